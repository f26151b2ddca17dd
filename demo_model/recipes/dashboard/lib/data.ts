// Sample figures. Replace them with your own, or load them from an API.
export const months = «figures.months»;
export const thisYear = «figures.year»;
export const lastYear = «figures.last»;
export const shares = «figures.parts»;
export const week = «figures.week»;
export const entries = «figures.entries»;

export type Entry = (typeof entries)[number];
