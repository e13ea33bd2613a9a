import { buildMessage, ValidateBy } from 'class-validator';

const DECIMAL_DOLLARS = /^\d+(\.\d{1,2})?$/;

/** Money as Asset takes it: decimal dollars, as text or as a number. Text holds what was written, to the cent. */
export const IsDecimalDollars = (): PropertyDecorator =>
  ValidateBy({
    name: 'isDecimalDollars',
    validator: {
      validate: (value) => ['string', 'number'].includes(typeof value) && DECIMAL_DOLLARS.test(String(value)),
      defaultMessage: buildMessage(
        (each) => `${each}$property must be decimal dollars with at most two places, such as "12.50" or 12.5`,
      ),
    },
  });
