package k3s

import (
	"net/url"
	"strings"

	"github.com/edge-arena/edge-arena/modules/config"
)

// release is where a node finds K3s, and how it tells that it got the right one.
type release struct {
	binary, binarySHA256, sums             string
	installer, installerSHA256, installSum string
	airgap, airgapSHA256                   string
}

const (
	githubReleases = "https://github.com/k3s-io/k3s/releases/download"
	githubSources  = "https://raw.githubusercontent.com/k3s-io/k3s"
	airgapImages   = "k3s-airgap-images-amd64.tar"
)

// commits are those that a release was tagged at. A commit's name is the hash of its content, so an installer that is fetched by it
// cannot be exchanged later, as one that is fetched by its tag could.
var commits = map[string]string{
	"v1.30.4+k3s1": "98262b5dee29fe5ac849a0cef90b5d50292b020b",
}

func newRelease(version string, mirror config.Mirror) release {
	sums := mirror.Checksums
	r := release{binarySHA256: sums["k3s"], installerSHA256: sums["install.sh"]}
	if mirror.URL == "" {
		// GitHub. Without a checksumsFile the checksums that are published beside the files are believed: they come over TLS, and no
		// copy of them is kept here that nobody could have compared.
		base := githubReleases + "/" + url.QueryEscape(version)
		source := githubSources + "/" + url.PathEscape(version)
		if commit, ok := commits[version]; ok {
			source = githubSources + "/" + commit
		}
		r.binary, r.sums = base+"/k3s", base+"/sha256sum-amd64.txt"
		r.installer, r.installSum = source+"/install.sh", source+"/install.sh.sha256sum"
		return r
	}
	base := strings.TrimSuffix(mirror.URL, "/") + "/" + url.QueryEscape(version)
	r.binary, r.installer = base+"/k3s", base+"/install.sh"
	if sum, ok := sums[airgapImages]; ok {
		r.airgap, r.airgapSHA256 = base+"/"+airgapImages, sum
	}
	return r
}
