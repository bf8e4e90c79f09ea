package io.tanuki4j.comm.rendezvous;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A key that only the ranks of a run share. It is never sent: each side of a connection proves that
 * it has the key with an HMAC over both sides' nonces.
 */
public final class RunKey {
  /** Length of a nonce, in bytes. */
  static final int NONCE_BYTES = 32;

  /** Length of a proof, in bytes. */
  static final int PROOF_BYTES = 32;

  private static final String ALGORITHM = "HmacSHA256";
  private static final SecureRandom RANDOM = new SecureRandom();

  private final SecretKeySpec key;

  private RunKey(SecretKeySpec key) {
    this.key = key;
  }

  /**
   * The side that proves. It is part of the proof, so that a proof cannot be sent back to its
   * sender.
   */
  enum Side {
    CALLER,
    LISTENER
  }

  /**
   * Derives the key of a run.
   *
   * @param secret empty where only the run's name distinguishes runs
   * @param runToken the run's name, which differs at every start
   */
  public static RunKey of(String secret, String runToken) {
    byte[] label = ("tanuki4j run " + secret).getBytes(UTF_8);
    byte[] bytes = mac(new SecretKeySpec(label, ALGORITHM)).doFinal(runToken.getBytes(UTF_8));
    return new RunKey(new SecretKeySpec(bytes, ALGORITHM));
  }

  static byte[] nonce() {
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    return nonce;
  }

  /** Returns the proof that this side has the key. */
  byte[] prove(Side side, byte[] listenerNonce, byte[] callerNonce, Call call) {
    Mac mac = mac(key);
    mac.update((byte) side.ordinal());
    mac.update(listenerNonce);
    mac.update(callerNonce);
    mac.update(call.encode());
    return mac.doFinal();
  }

  /** Compares proofs in constant time, wherever they differ. */
  static boolean isSame(byte[] proof, byte[] expected) {
    return MessageDigest.isEqual(proof, expected);
  }

  private static Mac mac(SecretKeySpec key) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has " + ALGORITHM, e);
    }
  }
}
