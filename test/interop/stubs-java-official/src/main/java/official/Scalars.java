package official;

import java.util.Random;

/** Scalars that are often at an edge. */
record Scalars(Random random) {
  private static final String[] TEXTS = {"", "a", "Grüße, 世界 🌍", "\u0000\u007f\u0080\u07ff\u0800\uffff\ufffd", "x".repeat(300)};

  int ofInt() {
    return switch (random.nextInt(5)) {
      case 0 -> 0;
      case 1 -> Integer.MIN_VALUE;
      case 2 -> Integer.MAX_VALUE;
      default -> random.nextInt() >> random.nextInt(32);
    };
  }

  long ofLong() {
    return switch (random.nextInt(5)) {
      case 0 -> 0;
      case 1 -> Long.MIN_VALUE;
      case 2 -> Long.MAX_VALUE;
      default -> random.nextLong() >> random.nextInt(64);
    };
  }

  double ofDouble() {
    return switch (random.nextInt(5)) {
      case 0 -> -0.0;
      case 1 -> Double.NEGATIVE_INFINITY;
      case 2 -> Double.MIN_VALUE;
      default -> random.nextGaussian();
    };
  }

  String ofText() {
    return TEXTS[random.nextInt(TEXTS.length)];
  }

  byte[] ofBytes() {
    byte[] bytes = new byte[random.nextInt(200)];
    random.nextBytes(bytes);
    return bytes;
  }
}
