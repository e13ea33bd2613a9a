/** A request's path and query, taken apart. */
export interface RequestTarget {
  /** Decoded path segments. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** The business that the path is under, or `undefined` for a tenant-level path. */
  readonly businessId: string | undefined;
  readonly isTokenEndpoint: boolean;
}

/** Reads the target as it came, without normalising it: two paths that a client writes differently stay different. */
export function parseTarget(target: string): RequestTarget {
  // A client that takes the sandbox for its proxy sends the absolute form (RFC 9112 §3.2.2).
  const [path = '', ...query] = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?');
  const segments = path.split('/').slice(1).map(decode);
  const isBusinessLevel = segments[0] === 'v0' && segments[1] === 'business';
  return {
    segments,
    query: new URLSearchParams(query.join('?')),
    businessId: isBusinessLevel ? segments[2] : undefined,
    isTokenEndpoint: segments.join('/') === 'v0/auth/token',
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
