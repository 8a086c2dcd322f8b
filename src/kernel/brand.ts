declare const brand: unique symbol

/** A checked value: only the module that checks it can make one. Brands can be stacked. */
export type Brand<T, Name extends string> = T & { readonly [brand]: { readonly [N in Name]: true } }
