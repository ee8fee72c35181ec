package retention.rival;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/**
 * The data of a touchpoint: bounds of each field that is known, what each type requires, and the
 * three numbers that are read from it (models/touchpoints/payload.py has the table).
 */
final class Payload {
  private static final int AMOUNT = 1;
  private static final int QUANTITY = 1 << 1;
  private static final int SECONDS = 1 << 2;
  private static final int SENTIMENT = 1 << 3;
  private static final int RATING = 1 << 4;
  private static final int SCORE = 1 << 5;
  private static final int LIKELIHOOD = 1 << 6;
  private static final int POINTS = 1 << 7;
  private static final int STATE = 1 << 8;
  private static final int SEVERITY = 1 << 9;
  private static final int DIRECTION = 1 << 10;
  private static final int ROLE = 1 << 11;
  private static final int PARTICIPANTS = 1 << 12;
  private static final int CHANNEL = 1 << 13;
  private static final int CONTENT = 1 << 14;
  private static final int QUERY = 1 << 15;
  private static final int CASE = 1 << 16;
  private static final int NAME = 1 << 17;
  private static final int REWARD = 1 << 18;
  private static final int MARKETING = 1 << 19;
  private static final int CAMPAIGN = 1 << 20;
  private static final int COUPON = 1 << 21;
  private static final int PROGRAMME = 1 << 22;
  private static final int NOT_REQUIRED = 0;

  private static final String[] STATES = {"offline", "online"};
  private static final String[] DIRECTIONS = {"outbound", "inbound"};
  private static final String[] ROLES = {"received", "given"};
  private static final String[] SEVERITIES = {"low", "normal", "high", "critical"};
  private static final int[] REQUIRED = new int[256];

  static {
    REQUIRED[Kind.PURCHASE] = REQUIRED[Kind.RETURN] = REQUIRED[Kind.CART_ABANDONED] = AMOUNT;
    REQUIRED[Kind.SEARCH] = QUERY;
    REQUIRED[Kind.CONTENT_VIEWED] = CONTENT;
    REQUIRED[Kind.MESSAGE_OPENED] = REQUIRED[Kind.MESSAGE_CLICKED] = CHANNEL;
    REQUIRED[Kind.MESSAGE_UNSUBSCRIBED] = REQUIRED[Kind.REPLY_SENT] = CHANNEL;
    REQUIRED[Kind.EVENT_ATTENDED] = NAME;
    REQUIRED[Kind.PRESENCE] = STATE | CHANNEL;
    REQUIRED[Kind.CHAT] = PARTICIPANTS;
    REQUIRED[Kind.CALL] = DIRECTION;
    REQUIRED[Kind.REVIEW] = RATING;
    REQUIRED[Kind.COMMUNITY_HELP] = ROLE;
    REQUIRED[Kind.CASE_OPENED] = REQUIRED[Kind.CASE_UPDATED] = REQUIRED[Kind.CASE_RESOLVED] = CASE;
    REQUIRED[Kind.CSAT] = REQUIRED[Kind.NPS] = SCORE;
    REQUIRED[Kind.CONSENT_CHANGED] = MARKETING;
    REQUIRED[Kind.REWARD_REDEEMED] = REWARD;
    REQUIRED[Kind.PROGRAMME_JOINED] = PROGRAMME;
    REQUIRED[Kind.CAMPAIGN_RECEIVED] = CAMPAIGN;
    REQUIRED[Kind.COUPON_REDEEMED] = COUPON;
  }

  private int seen;
  private String wrong;
  private double amount;
  private double quantity;
  private double seconds;
  private double sentiment;
  private double rating;
  private double score;
  private double likelihood;
  private double points;
  private double marketing;
  private int state;
  private int severity;
  private int direction;
  private int role;
  private int participants;

  void clear() {
    seen = 0;
    wrong = null;
  }

  /** The name of the first thing that is wrong with the data of this kind; null when nothing is. */
  String error(int kind) {
    if (wrong == null && (seen & REQUIRED[kind]) != REQUIRED[kind]) {
      return "data";
    }
    return wrong;
  }

  /** Put the kind's numbers into the touchpoint. */
  void numbers(int kind, Touchpoint t) {
    t.a = 0.0;
    t.b = 0.0;
    t.sentiment = given(SENTIMENT, sentiment, Double.NaN);
    switch (kind) {
      case Kind.PURCHASE, Kind.RETURN -> {
        t.a = amount;
        t.b = given(QUANTITY, quantity, 1.0);
        t.sentiment = Double.NaN;
      }
      case Kind.CART_ABANDONED -> {
        t.a = amount;
        t.sentiment = Double.NaN;
      }
      case Kind.SUBSCRIPTION_STARTED,
          Kind.SUBSCRIPTION_RENEWED,
          Kind.SUBSCRIPTION_CANCELLED,
          Kind.PAYMENT_FAILED,
          Kind.COUPON_REDEEMED ->
          t.a = given(AMOUNT, amount, 0.0);
      case Kind.VISIT -> t.a = given(SECONDS, seconds, 0.0);
      case Kind.PRESENCE -> t.a = state;
      case Kind.CHAT -> t.a = participants;
      case Kind.CALL -> {
        t.a = given(SECONDS, seconds, 0.0);
        t.b = direction;
      }
      case Kind.REVIEW -> {
        t.a = within(rating, 1, 5, "rating");
        t.sentiment = given(SENTIMENT, sentiment, (rating - 3) / 2);
      }
      case Kind.RECOMMENDATION -> {
        t.a = given(LIKELIHOOD, likelihood, 0.0);
        t.b = given(LIKELIHOOD, 1.0, 0.0);
      }
      case Kind.COMMUNITY_HELP -> t.a = role;
      case Kind.CASE_OPENED, Kind.CASE_UPDATED, Kind.COMPLAINT ->
          t.a = given(SEVERITY, severity, 0.0);
      case Kind.CSAT -> {
        t.a = within(score, 1, 5, "score");
        t.sentiment = (score - 3) / 2;
      }
      case Kind.NPS -> {
        t.a = within(score, 0, 10, "score");
        t.sentiment = (score - 5) / 5;
      }
      case Kind.CONSENT_CHANGED -> t.a = marketing;
      case Kind.REWARD_REDEEMED -> t.a = given(POINTS, points, 0.0);
      default -> {}
    }
    t.error = wrong;
  }

  /** Read the object that the parser stands before the first field of. */
  void read(JsonParser p) throws IOException {
    String name;
    while ((name = p.nextFieldName()) != null) {
      JsonToken token = p.nextToken();
      if (token != JsonToken.VALUE_NULL) {
        field(p, name, token);
      }
    }
  }

  private void field(JsonParser p, String name, JsonToken token) throws IOException {
    switch (name) {
      case "amount" -> amount = number(p, token, 0, 1e12, AMOUNT, name);
      case "quantity" -> quantity = number(p, token, 0, 1e9, QUANTITY, name);
      case "seconds" -> seconds = number(p, token, 0, 31 * 86_400.0, SECONDS, name);
      case "sentiment" -> sentiment = number(p, token, -1, 1, SENTIMENT, name);
      case "rating" -> rating = whole(p, token, RATING, name);
      case "score" -> score = whole(p, token, SCORE, name);
      case "likelihood" -> likelihood = number(p, token, 0, 1, LIKELIHOOD, name);
      case "points" -> points = number(p, token, 0, 1e12, POINTS, name);
      case "state" -> state = choice(p, token, STATE, name, STATES);
      case "direction" -> direction = choice(p, token, DIRECTION, name, DIRECTIONS);
      case "role" -> role = choice(p, token, ROLE, name, ROLES);
      case "severity" -> severity = choice(p, token, SEVERITY, name, SEVERITIES);
      case "marketing" -> {
        marketing = token == JsonToken.VALUE_TRUE ? 1 : 0;
        found(token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE, MARKETING, name);
        p.skipChildren();
      }
      case "participants" -> participants = list(p, token, 64, 128, PARTICIPANTS, name);
      case "channel" -> text(p, token, 1, 32, CHANNEL, name);
      case "content_id" -> text(p, token, 1, 200, CONTENT, name);
      case "query" -> text(p, token, 1, 500, QUERY, name);
      case "case_id" -> text(p, token, 1, 200, CASE, name);
      case "name" -> text(p, token, 1, 200, NAME, name);
      case "reward" -> text(p, token, 1, 200, REWARD, name);
      case "campaign_id" -> text(p, token, 1, 200, CAMPAIGN, name);
      case "coupon_id" -> text(p, token, 1, 200, COUPON, name);
      case "programme" -> text(p, token, 1, 200, PROGRAMME, name);
      case "order_id", "message_id", "referred", "plan" ->
          text(p, token, 1, 200, NOT_REQUIRED, name);
      case "topic" -> text(p, token, 1, 64, NOT_REQUIRED, name);
      case "currency" -> text(p, token, 3, 3, NOT_REQUIRED, name);
      case "reason" -> text(p, token, 0, 500, NOT_REQUIRED, name);
      case "text" -> text(p, token, 0, 10_000, NOT_REQUIRED, name);
      default -> p.skipChildren();
    }
  }

  private double given(int field, double value, double otherwise) {
    return (seen & field) != 0 ? value : otherwise;
  }

  private double within(double value, double low, double high, String name) {
    if (value < low || value > high) {
      wrong = name;
    }
    return value;
  }

  private void found(boolean fine, int field, String name) {
    if (!fine) {
      wrong = name;
    }
    seen |= field;
  }

  private double number(
      JsonParser p, JsonToken token, double low, double high, int field, String name)
      throws IOException {
    if (!token.isNumeric()) {
      wrong = name;
      p.skipChildren();
      return 0.0;
    }
    double value = token == JsonToken.VALUE_NUMBER_INT ? p.getLongValue() : p.getDoubleValue();
    found(value >= low && value <= high, field, name);
    return value;
  }

  private double whole(JsonParser p, JsonToken token, int field, String name) throws IOException {
    if (token != JsonToken.VALUE_NUMBER_INT) {
      wrong = name;
      p.skipChildren();
      return 0.0;
    }
    seen |= field;
    return p.getIntValue();
  }

  /** Which of the choices it is. */
  private int choice(JsonParser p, JsonToken token, int field, String name, String[] choices)
      throws IOException {
    if (token == JsonToken.VALUE_STRING) {
      for (int i = 0; i < choices.length; i++) {
        if (Text.same(p.getTextCharacters(), p.getTextOffset(), p.getTextLength(), choices[i])) {
          seen |= field;
          return i;
        }
      }
    }
    wrong = name;
    p.skipChildren();
    return 0;
  }

  private void text(JsonParser p, JsonToken token, int least, int most, int field, String name)
      throws IOException {
    if (token != JsonToken.VALUE_STRING) {
      wrong = name;
      p.skipChildren();
      return;
    }
    int length = p.getTextLength();
    found(length >= least && length <= most, field, name);
  }

  /** How many texts a list holds. */
  private int list(JsonParser p, JsonToken first, int most, int longest, int field, String name)
      throws IOException {
    if (first != JsonToken.START_ARRAY) {
      wrong = name;
      p.skipChildren();
      return 0;
    }
    int count = 0;
    JsonToken token;
    while ((token = p.nextToken()) != JsonToken.END_ARRAY) {
      text(p, token, 1, longest, NOT_REQUIRED, name);
      count++;
    }
    found(count >= 1 && count <= most, field, name);
    return count;
  }
}
