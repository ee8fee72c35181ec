package retention.rival;

/**
 * Numbers of the types that this application knows by name; models/touchpoints/kinds.py has all of
 * them.
 */
final class Kind {
  static final int PURCHASE = 0x01;
  static final int RETURN = 0x02;
  static final int CART_ABANDONED = 0x03;
  static final int SUBSCRIPTION_STARTED = 0x04;
  static final int SUBSCRIPTION_RENEWED = 0x05;
  static final int SUBSCRIPTION_CANCELLED = 0x06;
  static final int PAYMENT_FAILED = 0x07;
  static final int VISIT = 0x11;
  static final int SEARCH = 0x12;
  static final int CONTENT_VIEWED = 0x13;
  static final int MESSAGE_OPENED = 0x14;
  static final int MESSAGE_CLICKED = 0x15;
  static final int MESSAGE_UNSUBSCRIBED = 0x16;
  static final int EVENT_ATTENDED = 0x17;
  static final int PRESENCE = 0x21;
  static final int CHAT = 0x22;
  static final int CALL = 0x24;
  static final int REPLY_SENT = 0x26;
  static final int REVIEW = 0x32;
  static final int RECOMMENDATION = 0x33;
  static final int COMMUNITY_HELP = 0x35;
  static final int CASE_OPENED = 0x41;
  static final int CASE_UPDATED = 0x42;
  static final int CASE_RESOLVED = 0x43;
  static final int COMPLAINT = 0x44;
  static final int CSAT = 0x45;
  static final int NPS = 0x46;
  static final int CONSENT_CHANGED = 0x53;
  static final int PROGRAMME_JOINED = 0x61;
  static final int REWARD_REDEEMED = 0x62;
  static final int CAMPAIGN_RECEIVED = 0x71;
  static final int COUPON_REDEEMED = 0x72;
  static final int OFFER_DELIVERED = 0x73;
  static final int CLOCK = 0x81;

  private Kind() {}
}
