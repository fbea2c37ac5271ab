package kafka

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Offsets takes the answer of a list of offsets, and its error also where one
// partition alone has one: the offset of a partition that cannot be read, as just
// after an election, is -1.
func Offsets(listed kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	return listed, errors.Join(err, listed.Error())
}
