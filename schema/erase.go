package schema

// Erased marks a row whose complaint was erased from the lake: it is the
// RecordError of silver, gold and labels. The row stays, with where its record came from
// and nothing of its content, so that rows and records still match. No id or hash
// of it is kept: the ids are short numbers, and a hash of one is found by trying.
const Erased = "erased"

// HeaderErased is the one header that a row of bronze keeps that was erased.
const HeaderErased = "complaints-erased"
