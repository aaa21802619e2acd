"""Scripts by which a page asks for an address, one for each way."""

FETCH = """fetch("{url}", {{mode: "no-cors", credentials: "include", method: "{method}"}})
.then(() => 1)"""
LINK = """location.href = "{url}"; 1"""
FORM = """(() => {{
  const form = document.createElement("form");
  form.method = "{method}";
  form.action = "{url}";
  document.body.append(form);
  form.submit();
}})()"""
FRAME = """new Promise((done) => {{
  const frame = document.createElement("iframe");
  frame.onload = () => {{ frame.remove(); done(1); }};
  frame.src = "{url}";
  document.body.append(frame);
}})"""
FRAMED = """new Promise((done) => {{
  const frame = document.createElement("iframe");
  frame.onload = () => {{
    onmessage = () => {{ frame.remove(); done(1); }};
    frame.contentWindow.postMessage("{url}", "*");
  }};
  frame.src = "{around}";
  document.body.append(frame);
}})"""
