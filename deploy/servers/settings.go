package servers

import (
	"os"
	"strings"
)

// ForgetSettings takes the settings of the programs out of the environment. Somebody who works with a real system has them
// there, and a test that names no lake would write into theirs. What tests are told themselves stays.
func ForgetSettings() {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		forTests := name == "COMPLAINTS_CACHE" || strings.HasPrefix(name, "COMPLAINTS_TEST_") || strings.HasPrefix(name, "COMPLAINTS_BENCH_")
		if strings.HasPrefix(name, "COMPLAINTS_") && !forTests {
			_ = os.Unsetenv(name) // only a name that is none fails
		}
	}
}
