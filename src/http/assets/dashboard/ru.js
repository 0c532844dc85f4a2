// The words of the page in Russian, by the English sentence that stands in the code; `#noun` has the forms of one, few and many.

export const WORDS = {};
