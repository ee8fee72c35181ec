package retention.rival;

import java.nio.charset.StandardCharsets;

/** Hashes, copies and comparisons of the parser's characters, without a String. */
final class Text {
  private Text() {}

  /** 64 bits of a text, never 0; 0 when a control character is in it. */
  static long hash(char[] text, int offset, int length) {
    long hash = 0xcbf29ce484222325L + length;
    int least = 0xffff;
    int i = 0;
    for (; i + 4 <= length; i += 4) {
      char w = text[offset + i];
      char x = text[offset + i + 1];
      char y = text[offset + i + 2];
      char z = text[offset + i + 3];
      least = Math.min(Math.min(least, Math.min(w, x)), Math.min(y, z));
      hash = (hash ^ (w | (long) x << 16 | (long) y << 32 | (long) z << 48)) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 29;
    }
    for (; i < length; i++) {
      least = Math.min(least, text[offset + i]);
      hash = (hash ^ text[offset + i]) * 0x100000001b3L;
    }
    return least < ' ' ? 0 : mixed(hash) | 1;
  }

  static long mixed(long hash) {
    long h = hash;
    h = (h ^ (h >>> 33)) * 0xff51afd7ed558ccdL;
    h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return h ^ (h >>> 33);
  }

  /** Write a text as UTF-8; its length in bytes, or -1 when a control character is in it. */
  static int utf8(char[] text, int offset, int length, byte[] out) {
    boolean ascii = true;
    for (int i = 0; i < length; i++) {
      char c = text[offset + i];
      if (c < ' ') {
        return -1;
      }
      ascii &= c < 0x80;
      out[i] = (byte) c;
    }
    if (ascii) {
      return length;
    }
    byte[] whole = new String(text, offset, length).getBytes(StandardCharsets.UTF_8);
    System.arraycopy(whole, 0, out, 0, whole.length);
    return whole.length;
  }

  static boolean same(char[] text, int offset, int length, String other) {
    if (length != other.length()) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (text[offset + i] != other.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
