// Every product and price in the shop lives here.
export const currency = «currency»;
export const options = «shop.options»;
export const products = «shop.products»;
