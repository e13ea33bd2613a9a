/** One object, as Asset answers it. */
export interface AssetObject<T> {
  readonly data: T;
}

/** One page of a list, as Asset answers it. */
export interface AssetPage<T> {
  readonly data: readonly T[];
  readonly pagination: {
    readonly next_page_token: string | null;
    readonly previous_page_token: string | null;
  };
}
