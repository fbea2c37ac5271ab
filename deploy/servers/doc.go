// Package servers starts the real servers that tests run against: Kafka, an S3 gateway and what else the programs
// meet in production. Only tests import it, and only those built with the tag servers see what starts a server,
// so that `go test ./...` needs nothing but Go.
//
// In comes a testing.TB; out comes a server that answers, on a free port of 127.0.0.1, with its data and its log in a
// temporary directory of the test. It is stopped when the test ends, and its log is shown if the test failed. If the
// test binary itself dies, its servers are killed.
//
// The programs come from the cache that the Makefile fills: COMPLAINTS_CACHE, or .cache beside go.mod. A server that
// is not there fails the test with the make target that brings it; nothing is ever skipped.
package servers
