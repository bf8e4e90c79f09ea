package io.tanuki4j.metrics.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** The page's files: HTML, style and scripts. */
final class PageFiles {
  static final String PAGE = "page.html";
  private static final String STYLE = "page.css";
  private static final List<String> SCRIPTS =
      List.of("series.js", "chart.js", "ranks.js", "page.js");

  private static final Map<String, String> TYPES =
      Map.of("html", "text/html", "css", "text/css", "js", "text/javascript");

  private static final String INLINE_POLICY =
      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

  private PageFiles() {}

  /** Returns whether the page has such a file. */
  static boolean has(String name) {
    return name.equals(PAGE) || name.equals(STYLE) || SCRIPTS.contains(name);
  }

  /** Returns the media type of a file. */
  static String type(String name) {
    return TYPES.get(name.substring(name.indexOf('.') + 1)) + "; charset=utf-8";
  }

  /** Reads a file. */
  static String read(String name) {
    try (InputStream in = PageFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the program lacks its file " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the page with its style, scripts and data inside: the part before the data. */
  static String beforeData() {
    String head = read(PAGE);
    String style =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n<style>\n%s</style>";
    head =
        head.replace(
            "<link rel=\"stylesheet\" href=\"page.css\">",
            style.formatted(INLINE_POLICY, read(STYLE)));
    return head.substring(0, head.indexOf("<script"))
        + "<script type=\"application/json\" id=\"data\">";
  }

  /** Returns the part after the data. */
  static String afterData() {
    StringBuilder scripts = new StringBuilder("</script>\n");
    SCRIPTS.forEach(name -> scripts.append("<script>\n").append(read(name)).append("</script>\n"));
    return scripts.append("</body>\n</html>\n").toString();
  }
}
