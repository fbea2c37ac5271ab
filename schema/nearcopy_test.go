package schema

import (
	"strings"
	"testing"
)

func TestNearCopyKey(t *testing.T) {
	long := strings.Repeat("Abc 12-", 60)
	if NearCopyKey(long+"one") != NearCopyKey(strings.ToUpper(long)+"two") {
		t.Error("texts that differ behind 220 letters and digits, and in case, have two keys")
	}
	for _, two := range [][2]string{{"a b", "a c"}, {"银行没有退还我的钱", "信用报告里的债不是我的"}, {"Chase 没有退还我的钱", "Chase 的债不是我的"}, {"Банк не вернул деньги", "Долг не мой"}} {
		if NearCopyKey(two[0]) == NearCopyKey(two[1]) {
			t.Errorf("%q have one key", two)
		}
	}
	if NearCopyKey("Банк не вернул – деньги") != NearCopyKey("Банк не  вернул деньги!") {
		t.Error("a text in other letters and one with other punctuation have two keys")
	}
}
