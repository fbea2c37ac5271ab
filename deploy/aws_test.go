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
	folders := []string{"chain", string(schema.Bronze), string(schema.Silver), string(schema.Gold), string(schema.Labels), string(schema.Silver.Daily()), string(schema.Gold.Daily()), string(schema.Labels.Daily())}
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

// section gives the entries of a section of a template, each with its text.
func section(t *testing.T, stack, name string) map[string]string {
	t.Helper()
	text := after("\n"+string(read(t, "aws/"+stack+".yaml")), "\n"+name+":\n")
	if end := regexp.MustCompile(`(?m)^\S`).FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	entries := map[string]string{}
	starts := regexp.MustCompile(`(?m)^  (\w+):`).FindAllStringSubmatchIndex(text, -1)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		entries[text[at[2]:at[3]]] = text[at[0]:end]
	}
	return entries
}

// TestCommandsOfTheAWSPageFitTheTemplates: nobody runs them here, so at least each parameter must be there, none that has no
// default may be left out, and each output must be one.
func TestCommandsOfTheAWSPageFitTheTemplates(t *testing.T) {
	page := strings.ReplaceAll(string(read(t, "aws/README.md")), "\\\n", "")
	stacks := 0
	for _, command := range regexp.MustCompile("(?m)(?:(?:^    )|`)up ([a-z-]+)((?: --parameter-overrides)?[^`#\n]*)").FindAllStringSubmatch(page, -1) {
		stacks++
		parameters := section(t, command[1], "Parameters")
		given := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?:^|\s)([A-Z]\w+)=`).FindAllStringSubmatch(command[2], -1) {
			given[m[1]] = true
			if _, ok := parameters[m[1]]; !ok {
				t.Errorf("up %s gives %s, which is no parameter of the template", command[1], m[1])
			}
		}
		for name, text := range parameters {
			if !given[name] && !strings.Contains(text, "Default:") {
				t.Errorf("up %s leaves out %s, which has no default", command[1], name)
			}
		}
	}
	outputs := regexp.MustCompile(`\$\(out complaints-([a-z-]+) (\w+)\)`).FindAllStringSubmatch(page, -1)
	for _, m := range outputs {
		if _, ok := section(t, m[1], "Outputs")[m[2]]; !ok {
			t.Errorf("$(out complaints-%s %s) is no output of the template", m[1], m[2])
		}
	}
	if stacks != 6 || len(outputs) < 10 {
		t.Errorf("the page makes %d stacks of 6, and takes %d outputs", stacks, len(outputs))
	}
}

// TestTheProducerRunsWhereItsNotesAre: a file system can be mounted only in a zone that has a mount target of it, so a task in
// another one does not start.
func TestTheProducerRunsWhereItsNotesAre(t *testing.T) {
	template := string(read(t, "aws/services.yaml"))
	var targets []string
	for _, m := range regexp.MustCompile(`\{FileSystemId: !Ref Notes, SubnetId: (!Select \[\d, !Ref PrivateSubnets\])`).FindAllStringSubmatch(template, -1) {
		targets = append(targets, m[1])
	}
	if len(targets) < 2 {
		t.Fatalf("mount targets: %v", targets)
	}
	want := "[" + strings.Join(targets, ", ") + "]"
	if daily := section(t, "services", "Resources")["ProduceDaily"]; !strings.Contains(daily, "Subnets: "+want) {
		t.Errorf("the daily task runs elsewhere than in %s:\n%s", want, daily)
	}
	if out := section(t, "services", "Outputs")["TaskSubnets"]; !strings.Contains(out, want) {
		t.Errorf("run-task starts elsewhere than in %s: %s", want, out)
	}
}

// TestScratchVolumesAreTheUsersOwn: ECS makes a volume root's alone, unless the image has a volume at its path, whose owner and
// rights it then takes.
func TestScratchVolumesAreTheUsersOwn(t *testing.T) {
	tasks := section(t, "services", "Resources")
	mounted := 0
	for name, text := range tasks {
		for _, m := range regexp.MustCompile(`SourceVolume: scratch, ContainerPath: (\S+)\}`).FindAllStringSubmatch(text, -1) {
			mounted++
			before, _, _ := strings.Cut(text, m[0])
			images := regexp.MustCompile(`Image: !Sub "\$\{Registry\}/(\w+):`).FindAllStringSubmatch(before, -1)
			if images == nil {
				t.Fatalf("%s mounts a volume before it names an image", name)
			}
			file, _, _ := strings.Cut(after(string(read(t, "../Dockerfile")), " AS "+images[len(images)-1][1]+"\n"), "\nFROM ")
			if !strings.Contains(file, "\nVOLUME "+m[1]+"\n") {
				t.Errorf("the image of %s has no volume at %s", name, m[1])
			}
		}
	}
	if mounted == 0 {
		t.Error("no task has a scratch volume")
	}
}

// TestRolesMayAskForWhatIsAbsent: S3 says of an absent object that it is absent, and not that it is forbidden, only to who may
// list the bucket. Such a request has no prefix, so a permission for prefixes alone does not count; a first start asks for a
// champion that is not there.
func TestRolesMayAskForWhatIsAbsent(t *testing.T) {
	for name, text := range section(t, "services", "Resources") {
		for _, statement := range strings.Split(text, "- Effect: ")[1:] {
			if strings.Contains(statement, "s3:ListBucket") && strings.Contains(statement, "s3:prefix") {
				t.Errorf("%s may list only below prefixes", name)
			}
		}
	}
}
