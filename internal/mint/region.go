package mint

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/edge-arena/edge-arena/internal/subprogram"
)

// RegionArgument is what the Pulumi program is started with to mint the secrets of a region.
const RegionArgument = "mint-region"

// RegionCommandLine mints those, as [CommandLine] does a city's.
const RegionCommandLine = "../.arena/pulumi/program " + RegionArgument

// HubName is the name that the hub's certificate is for. The cities ask for it wherever the hub is: it may move without a new certificate.
const HubName = "hub-gateway"

// RegionSpec is what is wanted for the monitoring of a region. It holds no secret.
type RegionSpec struct {
	// Region is the region's name.
	Region string `json:"region"`
	// Generation is the number of the secrets' generation: with another one all but the CA is made anew.
	Generation int `json:"generation"`
	// Cities are those that show a certificate of their own to the hub.
	Cities []string `json:"cities"`
}

// RegionSecrets are the secrets of a region's monitoring, all of it secret.
type RegionSecrets struct {
	// Generation is that of the spec.
	Generation int `json:"generation"`
	// CA is the certificate that hub and cities trust, in PEM, and CAKey its key.
	CA    string `json:"ca"`
	CAKey string `json:"caKey"`
	// Hub is what the hub shows.
	Hub Pair `json:"hub"`
	// Cities are what the cities show, by name.
	Cities map[string]Pair `json:"cities"`
	// GrafanaPassword is that of Grafana's admin.
	GrafanaPassword string `json:"grafanaPassword"`
}

// Pair is a certificate with its key, in PEM.
type Pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

func (s RegionSpec) validate() error {
	var errs []error
	if s.Region == "" {
		errs = append(errs, errors.New("region: required"))
	}
	if s.Generation < 1 || s.Generation > maxGeneration {
		errs = append(errs, fmt.Errorf("generation: %d is not from 1 to %d", s.Generation, maxGeneration))
	}
	return errors.Join(errs...)
}

// Region makes the secrets of a spec. previous are those of before; nil for a new region. Of the same generation only what is missing is made:
// a city that is added changes nothing for the others.
func Region(s RegionSpec, previous *RegionSecrets, now time.Time) (*RegionSecrets, error) {
	made := &RegionSecrets{Generation: s.Generation, Cities: map[string]Pair{}}
	var err error
	if previous == nil {
		if made.CA, made.CAKey, err = newAuthority("edge-arena monitoring CA of "+s.Region, now); err != nil {
			return nil, err
		}
		previous = &RegionSecrets{}
	} else {
		made.CA, made.CAKey = previous.CA, previous.CAKey
	}
	same := previous.Generation == s.Generation
	if same {
		made.Hub, made.GrafanaPassword = previous.Hub, previous.GrafanaPassword
	} else {
		made.GrafanaPassword = password()
		if made.Hub.Certificate, made.Hub.Key, err = newCertificate(made.CA, made.CAKey, []string{HubName}, now); err != nil {
			return nil, err
		}
	}
	for _, city := range slices.Sorted(slices.Values(s.Cities)) {
		pair, known := previous.Cities[city]
		if !same || !known {
			if pair.Certificate, pair.Key, err = newClientCertificate(made.CA, made.CAKey, city, now); err != nil {
				return nil, fmt.Errorf("city %s: %w", city, err)
			}
		}
		made.Cities[city] = pair
	}
	return made, nil
}

// newClientCertificate makes the certificate that a city shows: its common name is the city's.
func newClientCertificate(ca, caKey, city string, now time.Time) (certificate, key string, err error) {
	return sign(ca, caKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: city},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, now)
}

// ParseRegion reads what was minted. An error does not quote it.
func ParseRegion(text string) (*RegionSecrets, error) {
	var s RegionSecrets
	if json.Unmarshal([]byte(text), &s) != nil {
		return nil, errors.New("the secrets of the region's monitoring in Pulumi's state cannot be read")
	}
	if s.CA == "" || s.CAKey == "" || s.Hub.Certificate == "" || s.Hub.Key == "" || s.GrafanaPassword == "" {
		return nil, errors.New("the secrets of the region's monitoring in Pulumi's state are not whole")
	}
	return &s, nil
}

// RegionMain is the process that mints for a region: see [Main].
func RegionMain() int {
	return subprogram.Main(func(_ context.Context, stdin io.Reader, stdout, _ io.Writer) error {
		if err := runRegion(stdin, stdout, os.Getenv(PreviousEnv), time.Now()); err != nil {
			return fmt.Errorf("mint for the region: %w", err)
		}
		return nil
	})
}

func runRegion(stdin io.Reader, stdout io.Writer, before string, now time.Time) error {
	var spec RegionSpec
	dec := json.NewDecoder(stdin)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&spec); err != nil {
		return fmt.Errorf("read the spec: %w", err)
	}
	if err := spec.validate(); err != nil {
		return fmt.Errorf("the spec is wrong:\n%w", err)
	}
	var previous *RegionSecrets
	if before != "" {
		var err error
		if previous, err = ParseRegion(before); err != nil {
			return err
		}
	}
	made, err := Region(spec, previous, now)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(made); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
