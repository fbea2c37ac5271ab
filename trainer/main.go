// The trainer makes the model that classifies complaints, and says how good it
// is.
//
// In come the lake's silver or complaint files; out come a bundle, its metrics
// and a picture of its confusion matrix. The weekly loop (run) puts them into the
// lake, and points the consumers to the new model if it is not worse. Nothing
// that is there is overwritten but that pointer, by compare-and-swap: after a
// crash, run it again, and the same data and seed give the same bundle.
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
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	var rejected *rejectedError
	switch {
	case errors.As(err, &rejected):
		os.Exit(rejectedStatus) // the verdict has been printed
	case err != nil:
		fmt.Fprintln(os.Stderr, "trainer:", err)
		os.Exit(1)
	}
}
