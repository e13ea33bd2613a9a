import { AssetBusiness } from '../../../lib/scope/asset-business.decorator.js';

const thrownBy = (decorate: () => unknown): unknown => {
  try {
    decorate();
  } catch (error) {
    return error;
  }
  return undefined;
};

/** `@AssetBusiness` as a user without types can call it. */
const untypedBusiness = AssetBusiness as (...args: readonly unknown[]) => MethodDecorator & ClassDecorator;

describe('@AssetBusiness', () => {
  it.each([
    ['no argument', []],
    ['an empty name', ['']],
    ['a number', [7]],
    ['an object', [{}]],
  ])('refuses %s where it is written, naming class and method', (_, args) => {
    const decorate = () => {
      class LedgersController {
        @untypedBusiness(...args)
        list() {}
      }
      return LedgersController;
    };
    expect(thrownBy(decorate)).toMatchObject({ name: 'AssetBusinessError', code: 'ASSET_BUSINESS_INVALID' });
    expect(decorate).toThrow('@AssetBusiness on LedgersController.list cannot be used: it takes the name of');
  });

  it('knows the colon of a path by its mistake', () => {
    const decorate = () => {
      @AssetBusiness(':businessId')
      class LedgersController {}
      return LedgersController;
    };
    expect(decorate).toThrow('name the parameter without the colon: "businessId"');
  });

  it('refuses a property', () => {
    class Controller {
      handler() {}
    }
    expect(() => {
      (AssetBusiness('id') as PropertyDecorator)(Controller.prototype, 'property');
    }).toThrow('@AssetBusiness on Controller.property cannot be used: it belongs on a class or on a method');
  });
});
