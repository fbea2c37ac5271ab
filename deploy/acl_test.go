//go:build servers

package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"complaints/deploy/servers"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// acl allows one operation on one resource to the principal of a role.
type acl struct {
	role, resource, name string
	prefix               bool // name is the prefix of names
	operation            string
}

func (a acl) String() string {
	name := a.name
	if a.prefix {
		name += "*"
	}
	return fmt.Sprintf("%s %s %s %s", a.role, a.operation, a.resource, name)
}

// aclsOfThePage reads the table of SECURITY.md.
func aclsOfThePage(t *testing.T) (list []acl) {
	t.Helper()
	section, _, _ := strings.Cut(after(string(read(t, "SECURITY.md")), "\n## Kafka\n"), "\n## ")
	role := ""
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.Contains(line, "---") || strings.Contains(line, "| operations |") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[0] != "" {
			role = cells[0]
		}
		for name := range strings.SplitSeq(cells[2], ", ") {
			name = strings.Trim(name, "`")
			for operation := range strings.SplitSeq(cells[3], ", ") {
				bare, prefix := strings.CutSuffix(name, "*")
				list = append(list, acl{role, cells[1], bare, prefix, operation})
			}
		}
	}
	if len(list) < 30 {
		t.Fatalf("SECURITY.md lists %d access rights, want its whole table", len(list))
	}
	return list
}

// builder turns the right into a request to create, find or delete it.
func (a acl) builder(t *testing.T) *kadm.ACLBuilder {
	t.Helper()
	operation, err := kmsg.ParseACLOperation(a.operation)
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	pattern := kadm.ACLPatternLiteral
	if a.prefix {
		pattern = kadm.ACLPatternPrefixed
	}
	b := kadm.NewACLs().Allow("User:" + a.role).AllowHosts("*").Operations(operation).ResourcePatternType(pattern)
	switch a.resource {
	case "topic":
		return b.Topics(a.name)
	case "group":
		return b.Groups(a.name)
	case "transactional-id":
		return b.TransactionalIDs(a.name)
	}
	t.Fatalf("%s: want topic, group or transactional-id", a)
	return nil
}

// rights are the access control lists of a broker.
type rights struct{ adm *kadm.Client }

func (r rights) give(t *testing.T, a acl) {
	t.Helper()
	results, err := r.adm.CreateACLs(t.Context(), a.builder(t))
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		t.Fatalf("give %s: %v", a, err)
	}
	r.await(t, a, true)
}

func (r rights) take(t *testing.T, a acl) {
	t.Helper()
	results, err := r.adm.DeleteACLs(t.Context(), a.builder(t))
	if err == nil {
		err = results[0].Err
	}
	if err != nil || len(results[0].Deleted) != 1 {
		t.Fatalf("take %s: %v, %d deleted", a, err, len(results[0].Deleted))
	}
	r.await(t, a, false)
}

// await waits until the broker has heard of the change.
func (r rights) await(t *testing.T, a acl, want bool) {
	t.Helper()
	for range 200 {
		results, err := r.adm.DescribeACLs(t.Context(), a.builder(t))
		if err == nil && len(results) == 1 && (len(results[0].Described) == 1) == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the broker does not take note of %s", a)
}

// aclEnv is a test environment: programs on a broker that asks its access control lists.
type aclEnv struct {
	kafka *servers.KafkaServer
	rights
	lake string
}

// TestTheRightsOfTheSecurityPage gives each role the rights that the page lists, and runs it. Then it takes them away, one
// by one: without any of them the role fails, so the list has neither too few nor too many.
func TestTheRightsOfTheSecurityPage(t *testing.T) {
	t.Parallel()
	list := aclsOfThePage(t)
	var roles []string
	for _, a := range list {
		if !slices.Contains(roles, a.role) {
			roles = append(roles, a.role)
		}
	}
	g := &aclEnv{kafka: servers.Kafka(t, servers.Secured(roles...), servers.Authorized()), lake: "file://" + t.TempDir()}
	client, err := kgo.NewClient(kgo.SeedBrokers(g.kafka.Internal...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	g.rights = rights{kadm.NewClient(client)}
	byCommand := g.commandOfThePage(t)
	for _, a := range list {
		if a == byCommand {
			g.await(t, a, true)
			continue
		}
		if a.role != "creator" {
			g.give(t, a)
		}
	}
	steps := []step{{"producer", g.produces}, {"classify", g.classifies}, {"sink", g.sinks}, {"verify", g.verifies}, {"replay", g.replays}}
	g.makesTheTopics(t, list)
	for _, s := range steps {
		if err := s.run(t); err != nil {
			t.Fatalf("%s with all its rights: %v", s.role, err)
		}
		if s.role == "verify" { // it wants all to be done that is published, so nobody else may run
			g.needsEach(t, list, s)
		}
	}
	for _, s := range steps {
		if s.role != "verify" {
			t.Run(s.role, func(t *testing.T) {
				t.Parallel()
				g.needsEach(t, list, s)
			})
		}
	}
}

// step is what a role does.
type step struct {
	role string
	run  func(*testing.T) error
}

// needsEach runs a step without each of its rights.
func (g *aclEnv) needsEach(t *testing.T, list []acl, s step) {
	t.Helper()
	for _, a := range list {
		if a.role == s.role {
			g.fails(t, a, s.run)
		}
	}
}

// fails runs a step without a right. The step must say that it is a right that is missing.
func (g *aclEnv) fails(t *testing.T, a acl, step func(*testing.T) error) {
	t.Helper()
	g.take(t, a)
	defer g.give(t, a)
	if err := step(t); err == nil || !strings.Contains(strings.ToUpper(err.Error()), "AUTHORIZATION_FAILED") {
		t.Errorf("without %s: %v, want a failed authorization", a, err)
	}
}

// commandOfThePage runs the one command that the page shows, and returns the right that it gives.
func (g *aclEnv) commandOfThePage(t *testing.T) acl {
	t.Helper()
	command := regexp.MustCompile(`(?m)^ +kafka-acls\.sh (--bootstrap-server \S+ --command-config \S+) (--add .+)$`).FindStringSubmatch(string(read(t, "SECURITY.md")))
	if command == nil {
		t.Fatal("SECURITY.md shows no kafka-acls.sh command")
	}
	args := append([]string{"--bootstrap-server", g.kafka.Internal[0]}, strings.Fields(command[2])...)
	servers.KafkaTool(t, "acls", "", args...)
	return acl{"classify", "transactional-id", "complaints-classify-", true, "Write"}
}

// makesTheTopics has the producer make the topics, with the rights to create them: without any one of those it fails.
func (g *aclEnv) makesTheTopics(t *testing.T, list []acl) {
	t.Helper()
	var creates []acl
	for _, a := range list {
		if a.role != "creator" {
			continue
		}
		a.role = "producer" // beside its own rights
		creates = append(creates, a)
	}
	for _, a := range creates {
		g.give(t, a)
	}
	for _, a := range creates {
		g.fails(t, a, g.produces)
		for _, a := range creates {
			_, _ = g.adm.DeleteTopic(t.Context(), a.name)
		}
	}
	if err := g.produces(t); err != nil {
		t.Fatalf("the producer makes the topics: %v", err)
	}
	for _, a := range creates {
		g.take(t, a)
	}
}

// as runs a program as the principal of a role, and returns its output as an error if it fails or does not end.
func (g *aclEnv) as(t *testing.T, role, stdin, name string, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	s := g.kafka.Security
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isOurs),
		"COMPLAINTS_BROKERS="+g.kafka.Brokers[0], "COMPLAINTS_TLS=true", "COMPLAINTS_TLS_CA="+s.CA, "COMPLAINTS_TLS_CERT="+s.Cert, "COMPLAINTS_TLS_KEY="+s.Key,
		"COMPLAINTS_SASL=scram-sha-512", "COMPLAINTS_SASL_USER="+role, "COMPLAINTS_SASL_PASSWORD="+s.Password,
		"COMPLAINTS_LAKE="+g.lake, "COMPLAINTS_PARTITIONS=1")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", errors.Join(err, ctx.Err()), out)
	}
	return nil
}

// Two messages, one of which becomes a dead letter.
const goodAndBad = `{"narrative": "A debt collector calls me at work about a debt that is not mine."}` + "\n" + `{"narrative": "XXXX XXXX"}` + "\n"

func (g *aclEnv) produces(t *testing.T) error {
	return g.as(t, "producer", goodAndBad, "producer", "-")
}

// publish leaves two messages more, past all rights.
func (g *aclEnv) publish(t *testing.T) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(g.kafka.Internal...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for line := range strings.Lines(goodAndBad) {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "complaints", Value: []byte(line)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// forget deletes a group, so that its role starts as if its offsets were lost.
func (g *aclEnv) forget(t *testing.T, group string) {
	t.Helper()
	for range 150 {
		resp, err := g.adm.DeleteGroup(t.Context(), group)
		if errors.Is(resp.Err, kerr.GroupIDNotFound) || err == nil && resp.Err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond) // a member that has just ended may still count
	}
	t.Fatalf("the group %s cannot be deleted", group)
}

// classifies loses its offsets first, so that it has to read its outputs too.
func (g *aclEnv) classifies(t *testing.T) error {
	g.forget(t, "complaints-classify")
	g.publish(t)
	return g.as(t, "classify", "", "consumer", "--roles", "classify", "--instance", "acl", "--allow-bootstrap", "--from", "outputs",
		"--sessions", "1", "--session-timeout", "6s", "--exit-when-idle", "--idle-for", "300ms")
}

func (g *aclEnv) sinks(t *testing.T) error {
	return g.as(t, "sink", "", "consumer", "--roles", "sink", "--instance", "acl", "--session-timeout", "6s", "--exit-when-idle", "--idle-for", "300ms")
}

func (g *aclEnv) verifies(t *testing.T) error {
	return g.as(t, "verify", "", "consumer", "verify", "--wait", "2s")
}

func (g *aclEnv) replays(t *testing.T) error {
	g.forget(t, "complaints-replay-only_masks")
	return g.as(t, "replay", "", "consumer", "replay-dead-letters", "--reason", "only_masks")
}
