// Sample figures. Replace them with your own, or load them from an API.
export const currency = «copy.metrics.unit»;
export const names = { total: «copy.metrics.total», count: «copy.metrics.count», people: «copy.metrics.people», rate: «copy.metrics.rate» };
export const months = «figures.months»;
export const thisYear = «figures.year»;
export const lastYear = «figures.last»;
export const week = «figures.week»;
export const entries = «figures.entries»;
