// Package failpoint lets a test kill or stop this process at a chosen step.
//
// Nothing of it exists in a normal build: without the build tag failpoint, [Hit]
// is empty and inlined. With the tag, COMPLAINTS_FAILPOINT says what happens, for
// example
//
//	COMPLAINTS_FAILPOINT="sink/after-claim=kill:3,classify/before-commit=pause:1"
//
// kill:N sends SIGKILL to the process itself at the N-th hit of the name, pause:N
// sends SIGSTOP (a test sends SIGCONT later). A spec that cannot be read ends the
// process at the first hit, so that a misspelt test fails.
package failpoint
