package causeway;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** What travels beside a message: keys in lower case, each with one value or several, in order. Values under a key that ends in {@code -bin} are unpadded base64. */
public record Metadata(List<Entry> entries) {
  public static final Metadata EMPTY = new Metadata(List.of());

  private static final Pattern KEY = Pattern.compile("[0-9a-z_.-]{1,255}");

  public record Entry(String key, String value) {
    public Entry {
      key = key.toLowerCase(Locale.ROOT);
    }
  }

  public Metadata {
    entries = List.copyOf(entries);
  }

  /** The same and one entry more. Keys are made of letters, digits, {@code _}, {@code .} and {@code -}; those that begin with {@code cw} are the sidecar's own. */
  public Metadata with(String key, String value) {
    Entry entry = new Entry(key, value);
    if (!KEY.matcher(entry.key()).matches() || isOwn(entry.key())) {
      throw new IllegalArgumentException("the metadata key \"" + key + "\": expected letters, digits, _, . and -, not beginning with cw-");
    }
    List<Entry> more = new ArrayList<>(entries);
    more.add(entry);
    return new Metadata(more);
  }

  /** The first value of a key. */
  public Optional<String> get(String key) {
    return all(key).stream().findFirst();
  }

  /** All values of a key. */
  public List<String> all(String key) {
    String lower = key.toLowerCase(Locale.ROOT);
    return entries.stream().filter(entry -> entry.key().equals(lower)).map(Entry::value).toList();
  }

  static boolean isOwn(String key) {
    return key.equals("cw") || key.startsWith("cw-") || key.equals("isn") || key.equals("crrst");
  }
}
