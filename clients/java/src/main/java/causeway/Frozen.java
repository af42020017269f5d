package causeway;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Sets and maps that never change and keep the order in which they came, which {@link Set#copyOf} and {@link Map#copyOf} do not. */
public final class Frozen {
  private Frozen() {}

  /** A set of these elements; itself when it is one already. */
  public static <T> Set<T> set(Collection<? extends T> elements) {
    if (elements instanceof FrozenSet<?>) {
      @SuppressWarnings("unchecked") // Nothing can be put into it, so a set of a narrower type does as well.
      FrozenSet<T> same = (FrozenSet<T>) elements;
      return same;
    }
    Set<T> copy = new LinkedHashSet<>(elements);
    copy.forEach(Objects::requireNonNull);
    return new FrozenSet<>(copy);
  }

  /** A map of these entries; itself when it is one already. */
  public static <K, V> Map<K, V> map(Map<? extends K, ? extends V> entries) {
    if (entries instanceof FrozenMap<?, ?>) {
      @SuppressWarnings("unchecked") // As above.
      FrozenMap<K, V> same = (FrozenMap<K, V>) entries;
      return same;
    }
    Map<K, V> copy = new LinkedHashMap<>(entries);
    copy.forEach((key, value) -> {
      Objects.requireNonNull(key, "a key");
      Objects.requireNonNull(value, "a value");
    });
    return new FrozenMap<>(copy);
  }

  /** A map of these entries. */
  @SafeVarargs
  public static <K, V> Map<K, V> mapOf(Map.Entry<K, V>... entries) {
    LinkedHashMap<K, V> map = new LinkedHashMap<>();
    for (Map.Entry<K, V> entry : entries) map.put(entry.getKey(), entry.getValue());
    return own(map);
  }

  /** Takes a set that nobody else holds. */
  static <T> Set<T> own(LinkedHashSet<T> elements) {
    return new FrozenSet<>(elements);
  }

  /** Takes a map that nobody else holds. */
  static <K, V> Map<K, V> own(LinkedHashMap<K, V> entries) {
    return new FrozenMap<>(entries);
  }

  private static final class FrozenSet<T> extends AbstractSet<T> {
    private final Set<T> elements;

    FrozenSet(Set<T> elements) {
      this.elements = Collections.unmodifiableSet(elements);
    }

    @Override
    public Iterator<T> iterator() {
      return elements.iterator();
    }

    @Override
    public int size() {
      return elements.size();
    }

    @Override
    public boolean contains(Object element) {
      return elements.contains(element);
    }
  }

  private static final class FrozenMap<K, V> extends AbstractMap<K, V> {
    private final Map<K, V> entries;

    FrozenMap(Map<K, V> entries) {
      this.entries = Collections.unmodifiableMap(entries);
    }

    @Override
    public Set<Map.Entry<K, V>> entrySet() {
      return entries.entrySet();
    }

    @Override
    public V get(Object key) {
      return entries.get(key);
    }

    @Override
    public boolean containsKey(Object key) {
      return entries.containsKey(key);
    }
  }
}
