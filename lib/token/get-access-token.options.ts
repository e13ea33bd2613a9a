/** How one call of `AssetTokenService.getAccessToken` differs from the usual. */
export interface GetAccessTokenOptions {
  /** Ends the wait of this caller at once, with the signal's reason; others that wait get their token. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Ask for a new token although the present one is usable. Joins a request under way, obeys the pauses after failures,
   * and rejects on failure while the present token goes on serving.
   */
  readonly forceRefresh?: boolean | undefined;
  /**
   * Milliseconds that the token should last at least, up to half the time before expiry in which tokens are refreshed.
   * For one that lasts less, the next is waited for, but no longer than half of them; then the present one is served.
   */
  readonly minimumLifeMs?: number | undefined;
}
