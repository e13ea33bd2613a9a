export interface Business {
  readonly id: string;
  readonly name: string;
}
