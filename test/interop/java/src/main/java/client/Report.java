package client;

import java.util.Map;

/** Runs named cases one after the other and prints one line of JSON for each, for the test that started this program. */
final class Report {
  interface Case {
    void run() throws Exception;
  }

  private Report() {}

  static void run(Map<String, Case> cases) {
    cases.forEach(
        (name, run) -> {
          String detail = "";
          try {
            run.run();
          } catch (Exception | AssertionError problem) {
            detail = problem.toString();
          }
          System.out.printf(
              "{\"name\":%s,\"ok\":%b,\"detail\":%s}%n", quoted(name), detail.isEmpty(), quoted(detail));
        });
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c >= ' ' && c <= '~' && c != '"' && c != '\\') json.append(c);
      else json.append(String.format("\\u%04x", (int) c));
    }
    return json.append('"').toString();
  }
}
