// Package complaintfile reads complaints from the files that people have of
// them: the Bureau's CSV as downloaded, copies of it with other columns in any
// order, JSON lines, JSON lists and lists inside an answer of an API, each plain,
// in gzip, zstd or a zip, in UTF-8, UTF-16 or Windows-1252.
//
// In comes a path, standard input or any stream; out come [Row]s, one at a time.
// The format is found by content and header, never by the file's name; one that
// is not read is named in the error. Reading streams: memory is bounded by
// [MaxRowBytes], whatever the size of the file. It keeps no state, so after a
// crash a caller reads again from the start. No error shows a value of a row,
// which may be somebody's text.
package complaintfile
