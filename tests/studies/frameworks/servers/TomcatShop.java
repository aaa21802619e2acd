import jakarta.servlet.SessionTrackingMode;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Set;
import java.util.UUID;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/**
 * A shop on an embedded Tomcat, whose links have the session in their path where no cookie came.
 *
 * <pre>java -cp tomcat10-embed-core.jar TomcatShop.java PORT LEDGER LIFETIME_S</pre>
 *
 * A session is over so many seconds after its last request. The order's form has a token of one use,
 * as those of Struts (org.apache.struts.util.TokenProcessor).
 */
public class TomcatShop extends HttpServlet {
  private static final String TOKEN = "org.apache.struts.taglib.html.TOKEN";
  private static Path ledger;
  private static int lifetime;

  public static void main(String[] arguments) throws Exception {
    java.util.logging.LogManager.getLogManager().reset();
    ledger = Path.of(arguments[1]);
    lifetime = Integer.parseInt(arguments[2]);
    Path folder = Files.createTempDirectory("tomcat");
    folder.toFile().deleteOnExit();
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder.toString());
    tomcat.setHostname("127.0.0.1");
    tomcat.setPort(Integer.parseInt(arguments[0]));
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    Context context = tomcat.addContext("", folder.toString());
    context.addServletContainerInitializer(
        (classes, servlets) ->
            servlets.setSessionTrackingModes(
                Set.of(SessionTrackingMode.COOKIE, SessionTrackingMode.URL)),
        null);
    Tomcat.addServlet(context, "shop", new TomcatShop());
    context.addServletMappingDecoded("/*", "shop");
    tomcat.start();
    tomcat.getServer().await();
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    String path = request.getRequestURI().replaceAll(";.*", "");
    boolean posted = request.getMethod().equals("POST");
    String asked = request.getRequestedSessionId();
    if (asked != null && !request.isRequestedSessionIdValid()) {
      note("end", asked, "why", "expired");
    }
    HttpSession session = request.getSession();
    if (session.isNew()) {
      session.setMaxInactiveInterval(lifetime);
      String client = request.getHeader("x-client");
      note("begin", session.getId(), "client", client);
    }
    if (posted && path.equals("/login")) {
      String old = session.getId();
      note("renew", old, "successor", digest(request.changeSessionId()));
      session.setAttribute("user", request.getParameter("user"));
      response.sendRedirect(response.encodeRedirectURL("/cart"));
    } else if (posted && path.equals("/logout")) {
      note("end", session.getId(), "why", "logout");
      session.invalidate();
      response.sendRedirect("/goodbye.html");
    } else if (posted && path.equals("/order")) {
      Object kept = session.getAttribute(TOKEN);
      session.removeAttribute(TOKEN);
      if (kept == null || !kept.equals(request.getParameter(TOKEN))) {
        response.sendError(409, "the form was sent before");
      } else {
        page(session, response, "ordered");
      }
    } else if (path.equals("/order")) {
      session.setAttribute(TOKEN, UUID.randomUUID().toString().replace("-", ""));
      page(session, response, "order");
    } else if (path.equals("/cart") && session.getAttribute("user") == null) {
      response.sendRedirect(response.encodeRedirectURL("/login"));
    } else {
      page(session, response, path.substring(1));
    }
  }

  private static void page(HttpSession session, HttpServletResponse response, String heading)
      throws IOException {
    response.setContentType("text/html;charset=utf-8");
    Object token = session.getAttribute(TOKEN);
    StringBuilder page = new StringBuilder("<!doctype html><title>shop</title><h1>" + heading);
    page.append("</h1>");
    for (String link : new String[] {"/cart", "/order", "/login"}) {
      page.append("<a href=\"").append(response.encodeURL(link)).append("\">go</a>\n");
    }
    page.append("<form method=\"post\" action=\"").append(response.encodeURL("/" + heading));
    page.append("\"><input name=\"user\">");
    if (token != null) {
      page.append("<input type=\"hidden\" name=\"").append(TOKEN).append("\" value=\"");
      page.append(token).append("\">");
    }
    response.getWriter().write(page.append("</form>").toString());
  }

  private static String digest(String name) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(name.getBytes());
      return HexFormat.of().formatHex(hash).substring(0, 16);
    } catch (java.security.NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static synchronized void note(String event, String session, String key, String value)
      throws IOException {
    String told = value == null ? "null" : "\"" + value + "\"";
    String line =
        String.format(
            "{\"event\": \"%s\", \"session\": \"%s\", \"%s\": %s}%n",
            event, digest(session), key, told);
    Files.write(
        ledger,
        line.getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }
}
