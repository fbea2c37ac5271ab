package deploy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"complaints/schema"
)

// TestBucketPolicyCoversEveryFolder: a folder that the policy forgets could be written over or emptied.
func TestBucketPolicyCoversEveryFolder(t *testing.T) {
	policy := after(string(read(t, "aws/data.yaml")), "  BucketPolicy:\n")
	policy, _, _ = strings.Cut(policy, "\n  Results:\n")
	folders := []string{"chain", string(schema.Bronze), string(schema.Silver), string(schema.Gold), string(schema.Silver.Daily()), string(schema.Gold.Daily())}
	for _, statement := range []string{"DenyPutThatIsNotCreateOnce", "DenyBlindReplaceByEraser", "DenyDelete"} {
		text, _, _ := strings.Cut(after(policy, "Sid: "+statement+"\n"), "- Sid: ")
		for _, folder := range folders {
			if !strings.Contains(text, fmt.Sprintf("!Sub \"${Bucket.Arn}/%s/*\"\n", folder)) {
				t.Errorf("%s does not cover %s/", statement, folder)
			}
		}
	}
}

// TestGoLeavesMemoryToOthers: all memory for Go's heap is too much, since the task is killed at the sum.
func TestGoLeavesMemoryToOthers(t *testing.T) {
	template := string(read(t, "aws/services.yaml"))
	limits := regexp.MustCompile(`(?m)^    "(\d+)": \{Limit: (\d+)MiB\}$`).FindAllStringSubmatch(template, -1)
	known := map[string]bool{}
	for _, m := range limits {
		memory, _ := strconv.Atoi(m[1])
		if limit, _ := strconv.Atoi(m[2]); limit != memory*8/10 {
			t.Errorf("a task of %d MiB gives Go %d, want 80%%, %d", memory, limit, memory*8/10)
		}
		known[m[1]] = true
	}
	allowed := regexp.MustCompile(`ConsumerMemory: .*AllowedValues: \[([\d, ]+)\]`).FindStringSubmatch(template)
	if allowed == nil {
		t.Fatal("ConsumerMemory has no allowed values")
	}
	for size := range strings.SplitSeq(allowed[1], ", ") {
		if !known[size] {
			t.Errorf("ConsumerMemory may be %s, of which no share is known", size)
		}
	}
	if n, found := strings.Count(template, "{Name: GOMEMLIMIT, "), strings.Count(template, "{Name: GOMEMLIMIT, Value: !FindInMap [GoMemory, "); n != found || n == 0 {
		t.Errorf("%d tasks limit Go's memory, and %d of them by the table", n, found)
	}
}
