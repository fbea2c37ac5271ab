// Package kafka holds what every program needs of Kafka: the connection and its
// security, the topics, and the embedded broker for trying things out.
//
// It keeps nothing in memory that a crash could lose: topics are created by
// requests that may be repeated, and the embedded broker writes to its folder.
package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Config says how to reach a cluster. The tags are kong's, so that programs
// embed it among their flags.
type Config struct {
	Brokers []string `help:"Kafka brokers, host:port, separated by commas." default:"127.0.0.1:9092" placeholder:"HOST:PORT"`

	TLS     bool   `name:"tls" help:"Connect by TLS."`
	TLSCA   string `name:"tls-ca" help:"PEM file of the authorities to trust instead of the system's." placeholder:"FILE"`
	TLSCert string `name:"tls-cert" help:"PEM file of the client certificate." placeholder:"FILE"`
	TLSKey  string `name:"tls-key" help:"PEM file of the client certificate's key." placeholder:"FILE"`

	SASL         string `name:"sasl" help:"How to authenticate: ${enum}. aws-msk-iam takes the credentials that the AWS SDK finds." enum:"none,plain,scram-sha-256,scram-sha-512,aws-msk-iam" default:"none"`
	SASLUser     string `name:"sasl-user" help:"User of plain and scram." placeholder:"NAME"`
	SASLPassword string `name:"sasl-password" help:"Password of plain and scram; better given by the environment, or as a file by COMPLAINTS_SASL_PASSWORD_FILE." placeholder:"SECRET" secret:""`
}

// Options turns the configuration into client options. All faults are reported
// at once.
func (c Config) Options() ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...)}
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("--brokers is empty: give at least one host:port"))
	}
	tlsConfig, err := c.tlsConfig()
	errs = append(errs, err)
	if tlsConfig != nil {
		opts = append(opts, kgo.DialTLSConfig(tlsConfig))
	}
	mechanism, err := c.mechanism()
	errs = append(errs, err)
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, errors.Join(errs...)
}

// tlsConfig returns nil where TLS is off. MSK IAM speaks TLS only, so it turns
// TLS on.
func (c Config) tlsConfig() (*tls.Config, error) {
	if !c.TLS && c.SASL != "aws-msk-iam" {
		if c.TLSCA != "" || c.TLSCert != "" || c.TLSKey != "" {
			return nil, errors.New("--tls-ca, --tls-cert and --tls-key need --tls")
		}
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no PEM certificate", c.TLSCA)
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", c.TLSCert, c.TLSKey, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

func (c Config) mechanism() (sasl.Mechanism, error) {
	switch c.SASL {
	case "", "none":
		return nil, nil
	case "aws-msk-iam":
		return aws.ManagedStreamingIAM(mskAuth), nil
	}
	if c.SASLUser == "" || c.SASLPassword == "" {
		return nil, fmt.Errorf("--sasl %s needs --sasl-user and --sasl-password", c.SASL)
	}
	switch c.SASL {
	case "plain":
		return plain.Auth{User: c.SASLUser, Pass: c.SASLPassword}.AsMechanism(), nil
	case "scram-sha-256":
		return scram.Auth{User: c.SASLUser, Pass: c.SASLPassword}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: c.SASLUser, Pass: c.SASLPassword}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("--sasl %q is none of none, plain, scram-sha-256, scram-sha-512, aws-msk-iam", c.SASL)
}

// mskAuth asks the SDK's chain (environment, profile, task role) at each
// authentication, because a role's credentials expire.
func mskAuth(ctx context.Context) (aws.Auth, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return aws.Auth{}, fmt.Errorf("AWS configuration for MSK IAM: %w", err)
	}
	cred, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return aws.Auth{}, fmt.Errorf("AWS credentials for MSK IAM: %w", err)
	}
	return aws.Auth{AccessKey: cred.AccessKeyID, SecretKey: cred.SecretAccessKey, SessionToken: cred.SessionToken}, nil
}
