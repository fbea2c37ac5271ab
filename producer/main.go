// Command producer publishes complaints from files and from the Bureau's search
// API to the topic complaints; see the README.
//
// In come files, standard input, the built-in sample or the API's pages; out go
// JSON messages keyed by the complaint's id. A crash loses nothing that was
// acknowledged: with --resume, the next run goes on behind it, and what was in
// flight is published again under the same id.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is stamped by the linker.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "producer:", err)
	}
	os.Exit(exitStatus(err))
}

// exitStatus is 0 when the input was published or a signal ended the run in
// order, 3 when --strict met a broken row or value, 1 for any other failure.
func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errStrict):
		return 3
	}
	return 1
}
