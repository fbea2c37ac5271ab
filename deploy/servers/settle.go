package servers

import (
	"reflect"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Settle waits until no transaction is open in the topics of any broker, the embedded one too. A transaction is over for
// the client when its end is logged; the marks that show it to readers of committed records follow a moment later.
func Settle(tb testing.TB, adm *kadm.Client, topics ...string) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		stable, err := adm.ListCommittedOffsets(tb.Context(), topics...)
		if err != nil {
			tb.Fatalf("last stable offsets of %v: %v", topics, err)
		}
		ends, err := adm.ListEndOffsets(tb.Context(), topics...)
		if err != nil {
			tb.Fatalf("end offsets of %v: %v", topics, err)
		}
		if stable.Error() == nil && ends.Error() == nil && reflect.DeepEqual(stable.Offsets(), ends.Offsets()) {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("a transaction stays open in %v: stable to %v of %v", topics, stable.Offsets(), ends.Offsets())
		}
	}
}
