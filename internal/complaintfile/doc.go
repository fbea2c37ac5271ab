// Package complaintfile reads complaints from the files that people have of
// them: the Bureau's CSV as downloaded, copies of it with other columns in any
// order, JSON lines and JSON lists, each plain, in gzip or in a zip.
//
// In comes a path, standard input or any stream; out come [Row]s, one at a time.
// The format is found by content and header, never by the file's name. Reading
// streams: memory is bounded by [MaxRowBytes], whatever the size of the file. It
// keeps no state, so after a crash a caller reads again from the start.
package complaintfile
