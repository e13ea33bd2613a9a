import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

const THIS_MACHINE = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
const CHANGE_NOTHING = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Keeps other sites in the browser on this machine out, since the sample does not sign in its callers: those that have their
 * name resolve to this machine, by the host, and those that send something from their own page, by the origin, which a
 * browser sends with each such request. A form can send no JSON, whatever the browser says of it.
 */
@Injectable()
export class ThisMachineGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { method = '', headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const { host = '', origin, 'content-type': type = '' } = headers;
    if (!THIS_MACHINE.test(host)) {
      throw new ForbiddenException('The sample is for this machine. Call it at 127.0.0.1 or localhost.');
    }
    if (CHANGE_NOTHING.includes(method)) return true;
    if (origin !== undefined && origin !== `http://${host}`) {
      throw new ForbiddenException(
        `The sample takes changes from its own pages, and from callers that are no browser. Open it at http://${host}, or send no Origin.`,
      );
    }
    if (JSON_TYPE.test(type)) return true;
    throw new UnsupportedMediaTypeException(
      'The sample takes changes as JSON. Send the header "content-type: application/json".',
    );
  }
}
