// The trainer makes the model that classifies complaints, and says how good it
// is.
//
// In come complaint files; out come a bundle, its metrics and a picture of its
// confusion matrix. It changes nothing else: after a crash, run it again, and
// the same data and seed give the same bundle.
package main

import (
	"context"
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
	if err != nil {
		fmt.Fprintln(os.Stderr, "trainer:", err)
		os.Exit(1)
	}
}
