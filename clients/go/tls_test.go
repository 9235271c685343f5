package loupegrpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// issue writes NAME.pem and NAME.key into the folder, signed by the authority; by itself where there is none.
func issue(t *testing.T, folder, name string, authority *tls.Certificate) *tls.Certificate {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: authority == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, interface{}(key)
	if authority != nil {
		parent, signer = must(x509.ParseCertificate(authority.Certificate[0]))(t), authority.PrivateKey
	}
	certificate := must(x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer))(t)
	private := must(x509.MarshalPKCS8PrivateKey(key))(t)
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: certificate}, name + ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(folder, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}

func TestBothSidesShowTheirCertificatesAndWhatIsNotTrustedIsNotTalkedTo(t *testing.T) {
	folder := t.TempDir()
	authority := issue(t, folder, "ca", nil)
	pair := issue(t, folder, "server", authority)
	issue(t, folder, "camera", authority)
	in := func(name string) string { return filepath.Join(folder, name) }
	trusted := must(LoadTLS(in("ca.pem"), "", ""))(t).RootCAs
	server := serve(t, "https://", []script{answerAll}, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{*pair}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	})))
	for _, try := range []struct {
		config *tls.Config
		good   bool
	}{
		{must(LoadTLS(in("ca.pem"), in("camera.pem"), in("camera.key")))(t), true},
		{must(LoadTLS(in("ca.pem"), "", ""))(t), false},
		{must(LoadTLS("", in("camera.pem"), in("camera.key")))(t), false},
		{nil, false},
	} {
		client, ctx := connectTo(t, Options{Address: server.address, TLS: try.config, UnaryRetries: -1})
		if _, err := client.ServerInfo(ctx); (err == nil) != try.good || (!try.good && !errors.Is(err, ErrUnavailable)) {
			t.Errorf("%v, although good is %v", err, try.good)
		}
	}
	for _, files := range [][3]string{{in("none.pem"), "", ""}, {in("ca.key"), "", ""}, {"", in("camera.pem"), ""}, {"", in("camera.pem"), in("server.key")}} {
		if _, err := LoadTLS(files[0], files[1], files[2]); err == nil {
			t.Errorf("%v is taken", files)
		}
	}
}
