package wireformat

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// requestTimeout bounds one question to the registry; who asks repeats it.
const requestTimeout = 5 * time.Second

// Config says how to reach the registry. The tags are kong's, so that programs embed it among their flags.
type Config struct {
	URLs     []string `name:"schema-registry" placeholder:"URL" help:"Schema registry, with Confluent's API, of messages in Avro, Protobuf or JSON Schema; several URLs of one registry are separated by commas."`
	User     string   `name:"schema-registry-user" placeholder:"NAME" help:"User of the schema registry, or the key of an API."`
	Password string   `name:"schema-registry-password" placeholder:"SECRET" secret:"" help:"Its password; better given by the environment, or as a file by COMPLAINTS_SCHEMA_REGISTRY_PASSWORD_FILE."`
	CA       string   `name:"schema-registry-ca" placeholder:"FILE" help:"PEM file of the authorities to trust instead of the system's, for https."`
}

// Open prepares a decoder, and asks the registry nothing yet. It is nil where no registry is named. All faults are reported at once.
func (c Config) Open() (*Decoder, error) {
	if len(c.URLs) == 0 {
		if c.User != "" || c.Password != "" || c.CA != "" {
			return nil, errors.New("--schema-registry-user, -password and -ca need --schema-registry")
		}
		return nil, nil
	}
	var errs []error
	for _, s := range c.URLs {
		errs = append(errs, checkURL(s))
	}
	if (c.User == "") != (c.Password == "") {
		errs = append(errs, errors.New("--schema-registry-user and --schema-registry-password go together"))
	}
	transport, err := c.transport()
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	opts := []sr.ClientOpt{sr.URLs(c.URLs...), sr.UserAgent("complaints"), sr.HTTPClient(&http.Client{Transport: transport, Timeout: requestTimeout})}
	if c.User != "" {
		opts = append(opts, sr.BasicAuth(c.User, c.Password))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("--schema-registry: %w", err)
	}
	return newDecoder(client), nil
}

// checkURL quotes no URL that may hold a password.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("--schema-registry: want URLs such as https://registry:8081")
	case u.User != nil:
		return fmt.Errorf("--schema-registry %s: give the user and password by flags of their own, --schema-registry-user and --schema-registry-password", u.Redacted())
	}
	return nil
}

func (c Config) transport() (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if c.CA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("--schema-registry-ca: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--schema-registry-ca: %s holds no PEM certificate", c.CA)
	}
	return t, nil
}
