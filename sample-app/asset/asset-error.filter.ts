import { type ArgumentsHost, Catch, HttpStatus, Logger } from '@nestjs/common';
import { AxiosError } from 'axios';
import {
  AssetAuthError,
  type AssetAuthErrorLike,
  AssetAuthExceptionFilter,
  isAssetAuthError,
} from 'nestjs-asset-auth';

/** The answers of Asset that are about the caller's request, and not about how this application makes its own. */
const CALLERS_OWN: readonly (number | undefined)[] = [
  HttpStatus.BAD_REQUEST,
  HttpStatus.NOT_FOUND,
  HttpStatus.CONFLICT,
  HttpStatus.UNPROCESSABLE_ENTITY,
];

/** Tells callers what Asset said about their request, and of everything else only that Asset could not be used. */
@Catch(AssetAuthError, AxiosError)
export class AssetErrorFilter extends AssetAuthExceptionFilter {
  readonly #log = new Logger(AssetErrorFilter.name);

  override catch(error: AssetAuthErrorLike | AxiosError, host: ArgumentsHost): unknown {
    const isOurs = isAssetAuthError(error);
    if (isOurs && error.code !== 'ASSET_BUSINESS_UNKNOWN') return super.catch(error, host);

    const { statusCode, message } = isOurs ? UNKNOWN_BUSINESS : answerTo(error);
    if (statusCode >= 500) this.#log.warn(error.message);
    const response: unknown = host.switchToHttp().getResponse();
    this.httpAdapterHost?.httpAdapter.reply(response, { statusCode, message }, statusCode);
    return undefined;
  }
}

const UNKNOWN_BUSINESS = { statusCode: HttpStatus.NOT_FOUND, message: 'There is no such business.' };

function answerTo({ code, response }: AxiosError): { readonly statusCode: number; readonly message: string } {
  if (response !== undefined && CALLERS_OWN.includes(response.status)) {
    return { statusCode: response.status, message: messageOf(response.data) };
  }
  return code === AxiosError.ECONNABORTED
    ? { statusCode: HttpStatus.GATEWAY_TIMEOUT, message: 'Asset did not answer in time.' }
    : { statusCode: HttpStatus.BAD_GATEWAY, message: 'Asset could not be used.' };
}

/** The fields of Asset's error bodies are not documented. */
function messageOf(body: unknown): string {
  const { message, detail, error_description } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return (
    [message, detail, error_description].find((text) => typeof text === 'string') ??
    'Asset refused the request.'
  );
}
