// Package api measures predictions over HTTP: requests a second of three texts
// each, and how long they take at half of that, for the consumer's role api and
// for the usual Python stack (server.py) with a model of the same size, in one
// run and by the same client. `make bench-api` runs it.
package api
