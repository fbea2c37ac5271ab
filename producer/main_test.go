package main

import (
	"os"
	"testing"

	"complaints/deploy/servers"
)

func TestMain(m *testing.M) {
	servers.ForgetSettings()
	os.Exit(m.Run())
}
