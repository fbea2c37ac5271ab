// Package mlflow records trainings in an MLflow tracking server, through its
// REST interface.
//
// In comes what a training was made of, how good it is, and its files; out
// comes one run of an experiment, with a version of a registered model. Each
// step looks for what is there before it makes it, so a recording that was cut
// off is completed by recording the same training again, and one that was
// complete changes nothing. Nothing is kept here.
//
//	client.go    requests, retries, errors
//	run.go       experiments, runs, metrics, artifacts
//	registry.go  registered models, their versions and aliases
//	record.go    a whole training in the right order
package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// attempts is how often a request is made at most, and firstPause about how long
	// the first wait between two is; each further one is about twice as long.
	attempts   = 4
	firstPause = 500 * time.Millisecond
	// attemptTime bounds one attempt. A bundle of some megabytes fits in.
	attemptTime = time.Minute
	// maxAnswer bounds what is read of an answer, and maxSaid what an error quotes of it.
	maxAnswer = 8 << 20
	maxSaid   = 300
)

// Client talks to one MLflow server. It may be shared.
type Client struct {
	base     string // without a slash at its end, and without credentials
	user     *url.Userinfo
	http     *http.Client
	pause    time.Duration
	attempts uint
}

// New returns a client of the server at address, http://host:port or
// https://user:password@host/path. It does not ask the server.
func New(address string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the MLflow address must be http://host:port or https://user:password@host/path") // not quoted: it may hold a password
	}
	user := u.User
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return &Client{
		base: strings.TrimRight(u.String(), "/"), user: user, pause: firstPause, attempts: attempts,
		http: &http.Client{Timeout: attemptTime},
	}, nil
}

// Address is where the server is, without credentials.
func (c *Client) Address() string { return c.base }

// Error is an answer of MLflow that is no success.
type Error struct {
	Method, URL string
	Status      int
	Code        string // MLflow's error_code; empty if the answer has none
	Message     string
}

func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = "no error_code"
	}
	return fmt.Sprintf("MLflow: %s %s: status %d, %s: %s", e.Method, e.URL, e.Status, code, e.Message)
}

// retried says whether the same request may get another answer.
func (e *Error) retried() bool {
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// hasCode says whether err is an answer with this error_code.
func hasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// api is the path of the REST interface that MLflow 2 and 3 both have.
const api = "/api/2.0/mlflow/"

// get asks for a resource; query is names and values in turn.
func (c *Client) get(ctx context.Context, path string, out any, query ...string) error {
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	return c.try(ctx, func() error { return c.once(ctx, http.MethodGet, api+path+"?"+q.Encode(), nil, out) })
}

// send posts a request that may be repeated without harm.
func (c *Client) send(ctx context.Context, path string, in, out any) error {
	return c.try(ctx, func() error { return c.sendOnce(ctx, path, in, out) })
}

// sendOnce posts a request that must not be repeated blindly: its caller looks
// whether it was done before it tries again.
func (c *Client) sendOnce(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("MLflow: %s: %w", path, err)
	}
	return c.once(ctx, http.MethodPost, api+path, body, out)
}

// try repeats what may succeed later, and says how often it did. When ctx ends, it
// returns what the last attempt said.
func (c *Client) try(ctx context.Context, do func() error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier = c.pause, 2
	var n uint
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		n++
		last = do()
		if answer := (*Error)(nil); errors.As(last, &answer) && !answer.retried() {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(c.attempts))
	if err != nil && n > 1 && n == c.attempts {
		return fmt.Errorf("after %d attempts: %w", n, last)
	}
	return last
}

// once makes one request. Path begins with a slash, and out may be nil.
func (c *Client) once(ctx context.Context, method, path string, body []byte, out any) error {
	address := c.base + path
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("MLflow: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.user != nil {
		password, _ := c.user.Password()
		request.SetBasicAuth(c.user.Username(), password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("MLflow: %w", err) // it names method and URL
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("MLflow: %s %s: the answer breaks off: %w", method, address, err)
	}
	if response.StatusCode != http.StatusOK {
		return errorOf(method, address, response.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		// As a proxy's login page.
		return &Error{Method: method, URL: address, Status: response.StatusCode, Message: fmt.Sprintf("the answer %.100q is not what MLflow gives: %v", answer, err)}
	}
	return nil
}

func errorOf(method, address string, status int, answer []byte) *Error {
	e := &Error{Method: method, URL: address, Status: status}
	var said struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &said) == nil && said.Code != "" {
		e.Code, e.Message = said.Code, said.Message
	} else {
		e.Message = strings.TrimSpace(string(answer))
	}
	if len(e.Message) > maxSaid {
		e.Message = e.Message[:maxSaid] + "…"
	}
	return e
}
