// What the theme makes while a page is read gets a name, and what scrolls can be reached by the keyboard.
const named = () => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((one, at) => one.setAttribute("aria-label", `Code ${at + 1}`));
  document.querySelectorAll("pre > code, .md-typeset__scrollwrap").forEach((one) => { one.tabIndex = 0; });
};
new MutationObserver(named).observe(document.body, { childList: true, subtree: true });
named();
