//go:build servers

package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// Security is what a client needs to reach a broker that is Secured.
type Security struct {
	CA       string // PEM file of the authority that signed the broker's certificate
	Cert     string // PEM file of a certificate that the broker accepts, and asks for
	Key      string // PEM file of its key
	User     string // of SASL PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512
	Password string
}

// Secured has clients come by TLS with a certificate and with SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. Further users
// have the same password.
func Secured(users ...string) KafkaOption {
	return func(s *kafkaSettings) {
		ca := newAuthority(s.tb)
		cert, key := ca.sign(s.tb)
		s.security = &Security{
			CA:       s.file("ca.pem", ca.pem),
			Cert:     s.file("client.pem", cert),
			Key:      s.file("client.key", key),
			User:     "complaints",
			Password: "complaints-secret",
		}
		users = append([]string{s.security.User}, users...)
		var plain strings.Builder
		for _, user := range users {
			fmt.Fprintf(&plain, " user_%s=%q", user, s.security.Password)
		}
		const sasl = "org.apache.kafka.common.security."
		maps.Copy(s.properties, map[string]string{
			"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:SASL_SSL",
			"sasl.enabled.mechanisms":        "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			"ssl.keystore.type":              "PEM",
			"ssl.keystore.location":          s.file("broker.pem", append(key, cert...)),
			"ssl.truststore.type":            "PEM",
			"ssl.truststore.location":        s.security.CA,
			// Only the property of the listener asks clients of SASL for a certificate; the general one does not.
			"listener.name.client.ssl.client.auth":                "required",
			"listener.name.client.plain.sasl.jaas.config":         sasl + "plain.PlainLoginModule required" + plain.String() + ";",
			"listener.name.client.scram-sha-256.sasl.jaas.config": sasl + "scram.ScramLoginModule required;",
			"listener.name.client.scram-sha-512.sasl.jaas.config": sasl + "scram.ScramLoginModule required;",
		})
		for _, user := range users {
			for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
				s.format = append(s.format, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, s.security.Password))
			}
		}
	}
}

// Authorized has the broker ask its access control lists what a Secured client may do: nothing, until a list says
// otherwise. The internal listener may do all.
func Authorized() KafkaOption {
	return func(s *kafkaSettings) {
		maps.Copy(s.properties, map[string]string{
			"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"super.users":           "User:ANONYMOUS",
		})
	}
}

// authority signs certificates for 127.0.0.1 that are valid for an hour.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{}
	a.cert = certificate("authority of a test")
	a.cert.IsCA = true
	a.cert.BasicConstraintsValid = true
	a.cert.KeyUsage = x509.KeyUsageCertSign
	a.key = newKey(tb)
	a.pem = a.issue(tb, a.cert, a.key)
	return a
}

// sign gives a certificate, for servers and clients, and its key, both PEM.
func (a *authority) sign(tb testing.TB) (cert, key []byte) {
	tb.Helper()
	c := certificate("127.0.0.1")
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	k := newKey(tb)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		tb.Fatalf("encode a key: %v", err)
	}
	return a.issue(tb, c, k), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (a *authority) issue(tb testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		tb.Fatalf("sign a certificate: %v", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(time.Hour),
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("make a key: %v", err)
	}
	return key
}
