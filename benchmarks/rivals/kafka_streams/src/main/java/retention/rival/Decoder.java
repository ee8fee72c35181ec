package retention.rival;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;

/** Streaming decode of a CloudEvent: the required attributes, a known type, the type's data. */
final class Decoder {
  private static final int MOST_BYTES = 64 * 1024;
  private static final int LONGEST_ID = 200;
  private static final int LONGEST_SOURCE = 500;
  private static final int LONGEST_SUBJECT = 128;
  private static final long EARLIEST = 631_152_000_000L; // 1990-01-01T00:00:00Z
  private static final long MOST_AHEAD = 3_600_000L;

  private final JsonFactory factory =
      JsonFactory.builder()
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
          .build();
  private final Types types;
  private final Payload payload = new Payload();

  private boolean specified;
  private long source;
  private long id;
  private int subject;
  private long time;
  private int kind;
  private String wrong;

  Decoder(Types types) {
    this.types = types;
  }

  /** Fill in `t`; false when the record breaks a rule, which `t.error` then names. */
  boolean decode(byte[] value, long timestamp, Touchpoint t) {
    t.error = value == null || value.length > MOST_BYTES ? "size" : read(value, t);
    if (t.error == null) {
      t.error = missing(timestamp);
    }
    if (t.error != null) {
      return false;
    }
    t.kind = kind;
    if (kind == Kind.CLOCK) {
      t.subjectLength = 0;
      return true;
    }
    t.subjectLength = subject;
    t.error = subject < 1 ? "subject" : wrong != null ? wrong : payload.error(kind);
    if (t.error != null) {
      return false;
    }
    t.time = Math.min(time, timestamp);
    t.hash = Text.mixed(source * 0x9E3779B97F4A7C15L + id);
    payload.numbers(kind, t);
    return t.error == null;
  }

  private String missing(long timestamp) {
    if (!specified) {
      return "specversion";
    }
    if (kind == 0) {
      return "type";
    }
    if (id == 0 || source == 0) {
      return "identity";
    }
    return time < EARLIEST || time > timestamp + MOST_AHEAD ? "time" : null;
  }

  private String read(byte[] value, Touchpoint t) {
    specified = false;
    source = id = 0;
    subject = kind = 0;
    time = Rfc3339.NO_TIME;
    wrong = null;
    payload.clear();
    try (JsonParser p = factory.createParser(value)) {
      if (p.nextToken() != JsonToken.START_OBJECT) {
        return "not an object";
      }
      String name;
      while ((name = p.nextFieldName()) != null) {
        attribute(p, name, p.nextToken(), t);
      }
      return p.currentToken() == JsonToken.END_OBJECT && p.nextToken() == null ? null : "json";
    } catch (IOException e) {
      return "json";
    }
  }

  private void attribute(JsonParser p, String name, JsonToken token, Touchpoint t)
      throws IOException {
    if (token == JsonToken.START_OBJECT && name.equals("data")) {
      payload.read(p);
      return;
    }
    if (token != JsonToken.VALUE_STRING) {
      if (name.equals("data") && token != JsonToken.VALUE_NULL) {
        wrong = "data";
      }
      p.skipChildren();
      return;
    }
    char[] text = p.getTextCharacters();
    int offset = p.getTextOffset();
    int length = p.getTextLength();
    switch (name) {
      case "specversion" -> specified = Text.same(text, offset, length, "1.0");
      case "type" -> kind = types.of(text, offset, length);
      case "source" ->
          source = length >= 1 && length <= LONGEST_SOURCE ? Text.hash(text, offset, length) : 0;
      case "id" -> {
        id = length >= 1 && length <= LONGEST_ID ? Text.hash(text, offset, length) : 0;
        if (id != 0) {
          System.arraycopy(text, offset, t.id, 0, length);
          t.idLength = length;
        }
      }
      case "subject" ->
          subject = length <= LONGEST_SUBJECT ? Text.utf8(text, offset, length, t.subject) : -1;
      case "time" -> time = Rfc3339.parse(text, offset, length);
      case "data" -> wrong = "data";
      default -> {}
    }
  }
}
