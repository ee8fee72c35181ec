package retention.rival;

/** One touchpoint, decoded and validated; used again for every record of a thread. */
final class Touchpoint {
  int kind;

  /** Of the event, ms; at most the record's timestamp. */
  long time;

  /** Of source and id. */
  long hash;

  /** The numbers of its kind, as in models/touchpoints/payload.py. */
  double a;

  double b;
  double sentiment;

  final char[] id = new char[256];
  int idLength;

  /** In UTF-8; of length 0 for a clock record, which is about nobody. */
  final byte[] subject = new byte[1024];

  int subjectLength;

  /** Which rule the record breaks; null when none. */
  String error;
}
