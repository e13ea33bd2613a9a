import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

const THIS_MACHINE = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/**
 * Keeps other sites in the visitor's browser out: those that have their name resolve to this machine, by the host, and
 * those that press the buttons from their own page, by the origin, which a browser sends with each such request.
 */
@Injectable()
export class PageGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { method, headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const { host = '', origin } = headers;
    if (!THIS_MACHINE.test(host)) {
      throw new ForbiddenException('The page is for this machine. Open it at 127.0.0.1 or localhost.');
    }
    if (method === 'GET') return true;
    if (origin === `http://${host}` && headers['content-type'] === 'application/json') return true;
    throw new ForbiddenException('The buttons work on the page itself only: as JSON, and from its origin.');
  }
}
