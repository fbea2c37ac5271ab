// Package failpoint lets a test kill or stop this process at a chosen step, and
// take a guarantee out to see that a check misses it.
//
// Nothing of it exists in a normal build: without the build tag failpoint, [Hit]
// and [On] are empty and inlined. With the tag, COMPLAINTS_FAILPOINT says what
// happens, for example
//
//	COMPLAINTS_FAILPOINT="sink/after-claim=kill:3,classify/before-commit=pause:1,plain-put=on"
//
// kill:N sends SIGKILL to the process itself at the N-th hit of the name, pause:N
// sends SIGSTOP (a test sends SIGCONT later), on turns a switch on. A spec that
// cannot be read ends the process at the first hit, so that a misspelt test fails.
package failpoint

// The switches.
const (
	// PlainPut turns the creation of an object that must not exist yet into a
	// plain put that overwrites.
	PlainPut = "plain-put"
	// PlainCommit turns a transaction into plain writes and a plain commit.
	PlainCommit = "plain-commit"
	// TrustOffsets resumes the lake at the committed offset, and not where the
	// chain ends.
	TrustOffsets = "trust-offsets"
	// DataFirst puts objects before the claim that names them.
	DataFirst = "data-first"
	// TrustAnswers takes an answer of the store that does not say what happened
	// for success.
	TrustAnswers = "trust-answers"
)
