//go:build servers

package deploy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"complaints/deploy/servers"
)

const stampedVersion = "v9.8.7-test"

// TestImages builds the Dockerfile for real and runs the programs in the images as a container would: as the image's
// user, on a file system that is read only but for /tmp. Nothing is pulled: the base images are made of this machine's
// own root file system.
func TestImages(t *testing.T) { //nolint:tparallel // its parts share the mounted images, and take no time
	t.Parallel()
	p := newPodman(t)
	p.importBases()
	images := map[string]*image{}
	// The last stage comes first: a build without a target makes it.
	for _, target := range []string{"", "consumer", "producer", "trainer"} {
		images[target] = p.build(target)
	}
	for target, img := range images {
		t.Run("stage "+target, func(t *testing.T) { img.checkConfig(t) })
	}
	t.Run("api", func(t *testing.T) { answersOverHTTP(t, images[""]) })
	t.Run("stream", func(t *testing.T) { classifiesTheSample(t, images["consumer"], images["producer"]) })
	t.Run("trainer", func(t *testing.T) { findsLightGBM(t, images["trainer"]) })
}

// answersOverHTTP is the promise of the README: docker run -p 8000:8000, without Kafka or S3.
func answersOverHTTP(t *testing.T, img *image) {
	addr := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	env := append(slices.Clone(img.Config.Env), "COMPLAINTS_HTTP_ADDR="+addr)
	api := img.start(t, env)
	healthcheck := func() error {
		return img.run(t.Context(), io.Discard, env, img.Healthcheck.Test[1:]...)
	}
	waitFor(t, "the health check to pass", healthcheck)

	body := `{"text": ["A debt collector calls me at work about a debt that is not mine.", "My mortgage servicer lost my payment.", "The bank closed my checking account."]}`
	resp, err := http.Post("http://"+addr+"/v1/predict", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Results []struct {
			Prediction string `json:"prediction"`
		} `json:"results"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Results) != 3 || answer.Results[0].Prediction != "Debt Collection" {
		t.Errorf("answer %s %+v %v, want three results, the first Debt Collection", resp.Status, answer, err)
	}

	if err := api.stop(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, api.log.String())
	}
	if err := healthcheck(); err == nil {
		t.Error("the health check passes although nobody runs")
	}
}

func classifiesTheSample(t *testing.T, consumer, producer *image) {
	broker := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	env := append(slices.Clone(consumer.Config.Env), fmt.Sprintf("COMPLAINTS_HTTP_ADDR=127.0.0.1:%d", servers.FreePort(t)))
	c := consumer.start(t, env, "--embedded", "--embedded-addr", broker, "--data", "/tmp/data", "--roles", "classify,sink")
	var out bytes.Buffer
	waitFor(t, "the producer to publish", func() error {
		out.Reset()
		return producer.run(t.Context(), &out, append(slices.Clone(producer.Config.Env), "COMPLAINTS_BROKERS="+broker), "/producer", "--sample", "--limit", "100", "--json")
	})
	if !strings.Contains(out.String(), `"published":100`) {
		t.Errorf("the producer says %s, want 100 published", out.String())
	}
	if err := c.stop(); err != nil {
		t.Errorf("the consumer, after SIGTERM: %v\n%s", err, c.log.String())
	}
}

// findsLightGBM shows that the trainer's base has all that the library needs: it is opened before terms are counted.
// The training itself is tested elsewhere and takes longer.
func findsLightGBM(t *testing.T, img *image) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := img.command(ctx, img.Config.Env, "/trainer", "train", "--data", "/tmp/sample.csv.gz", "--out", "/tmp/bundle")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		seen = append(seen, lines.Text())
		if strings.Contains(lines.Text(), "counting their terms") {
			cancel()
			_ = cmd.Wait() // it was killed
			return
		}
	}
	t.Errorf("the trainer ends before it counts: %v\n%s", cmd.Wait(), strings.Join(seen, "\n"))
}
