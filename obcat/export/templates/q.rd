<?xml version="1.0" encoding="utf-8"?>
<!-- For a DaCHS server: copy the release into a folder of its inputsDir, fill in creationDate and creator, dachs imp //obscore, dachs imp q.rd
     build {{ fingerprint }} -->
<resource schema="{{ schema }}" resdir=".">
  <meta name="title">{{ title }}</meta>
  <meta name="creationDate">1970-01-01T00:00:00Z</meta>
  <meta name="creator">{{ creator }}</meta>
  <meta name="description" format="plain">{{ description }}</meta>
  <meta name="subject">ob-stars</meta>
  <meta name="subject">stellar-distance</meta>
  <meta name="source">2021ApJS..253...22X</meta>
  <meta name="instrument">{{ instrument }}</meta>
  <meta name="version">{{ fingerprint }}</meta>
  <meta name="ssap.dataSource">{{ "theory" if simulated else "survey" }}</meta>
  <meta name="ssap.creationType">archival</meta>
  <meta name="productType">spectrum</meta>
{% for table in tables %}

  <table id="{{ table.id }}" onDisk="True" adql="True" mixin="//scs#q3cindex" primary="specid">
    <meta name="description" format="plain">{{ table.description }}</meta>
    <stc>Position ICRS "ra" "dec"</stc>
{% for c in table.columns %}
    <column name="{{ c.name }}" type="{{ c.type }}"{{ c.attributes | xmlattr }}>
{%- if c.null is not none %}<values nullLiteral="{{ c.null }}"/>{% endif %}</column>
{% endfor %}
  </table>

  <data id="import_{{ table.id }}">
    <sources pattern="{{ table.file }}"/>
    <voTableGrammar/>
    <make table="{{ table.id }}"><rowmaker idmaps="*"/></make>
  </data>

  <service id="cone{{ table.ending }}" allowed="scs.xml,form">
    <meta name="title">{{ title }}: cone search{{ " (best mode)" if table.ending }}</meta>
    <meta name="shortName">{{ table.id[:16] }}</meta>
    <meta name="testQuery"><meta name="ra">{{ table.ra }}</meta><meta name="dec">{{ table.dec }}</meta><meta name="sr">0.01</meta></meta>
    <publish render="scs.xml" sets="ivo_managed"/>
    <scsCore queriedTable="{{ table.id }}"><FEED source="//scs#coreDescs"/></scsCore>
  </service>
{% endfor %}
{% if spectra %}

  <table id="spectra" onDisk="True" adql="hidden" namePath="//ssap#instance">
    <mixin>//products#table</mixin>
    <mixin>//ssap#plainlocation</mixin>
    <column original="ssa_targname"/>
    <column original="ssa_dstitle"/>
    <column original="ssa_dateObs"/>
  </table>

  <data id="import_spectra">
    <recreateAfter>make_ssa</recreateAfter>
    <sources pattern="{{ spectra.file }}"/>
    <embeddedGrammar>
      <iterator>
        <setup imports="astropy.io.fits"><code/></setup>
        <code>
          with fits.open(self.sourceToken, memmap=True) as kept:
            names = [str(name) for name in kept[2].data["specid"]]
          with fits.open(os.path.join(os.path.dirname(self.sourceToken), "{{ spectra.catalog }}")) as catalog:
            rows = dict((str(row["specid"]), row) for row in catalog[1].data)
            for name in names:
              row = rows[name]
              day = name.partition("-")[0]
              yield {"specid": name, "star_id": str(row["star_id"]), "day": float(day) if day.isdigit() else None,
                "ra": float(row["ra"]), "dec": float(row["dec"])}
        </code>
      </iterator>
      <rowfilter procDef="//products#define">
        <bind key="table">"\schema.spectra"</bind>
        <bind key="accref">"\schema/"+@specid</bind>
        <bind key="path">makeAbsoluteURL("\rdId/sdl/dlget?ID="+urllib.parse.quote_plus(getStandardPubDID("\schema/"+@specid)))</bind>
        <bind key="fsize">{{ spectra.size }}</bind>
        <bind key="mime">"application/x-votable+xml"</bind>
        <bind key="preview">None</bind>
      </rowfilter>
    </embeddedGrammar>
    <make table="spectra">
      <rowmaker idmaps="*">
        <apply procDef="//ssap#fill-plainlocation"><bind key="ra">@ra</bind><bind key="dec">@dec</bind></apply>
        <map key="ssa_targname">@star_id</map>
        <map key="ssa_dstitle">@specid</map>
        <map key="ssa_dateObs">@day</map>
      </rowmaker>
    </make>
  </data>

  <table id="ssa" onDisk="True" adql="True">
    <meta name="description" format="plain">{{ spectra.description }}</meta>
    <meta name="_associatedDatalinkService"><meta name="serviceId">sdl</meta><meta name="idColumn">ssa_pubDID</meta></meta>
    <mixin sourcetable="spectra" copiedcolumns="*"
      ssa_fluxunit="''" ssa_spectralunit="'0.1nm'" ssa_spectralucd="'em.wl'" ssa_fluxucd="'phot.flux.density;arith.ratio;em.wl'"
      ssa_fluxcalib="'NORMALIZED'" ssa_speccalib="'ABSOLUTE'" ssa_bandpass="'Optical'" ssa_targclass="'star'"
      ssa_collection="'{{ schema }}'" ssa_length="{{ spectra.pixels }}" ssa_aperture="3.3/3600."
      ssa_specstart="{{ spectra.first }}" ssa_specend="{{ spectra.last }}"
      ssa_specmid="{{ spectra.middle }}" ssa_specext="{{ spectra.width }}" ssa_specres="{{ spectra.resolved }}"
    >//ssap#view</mixin>
    <mixin calibLevel="3" oUCD="ssa_fluxucd" emUCD="ssa_spectralucd">//obscore#publishSSAPMIXC</mixin>
  </table>

  <data id="make_ssa" auto="False"><make table="ssa"/></data>

  <table id="instance" onDisk="False">
    <mixin ssaTable="ssa" spectralDescription="Wavelength in vacuum at rest" fluxDescription="Flux over its pseudo-continuum"
    >//ssap#sdm-instance</mixin>
    <column name="ivar" type="real" ucd="stat.weight" description="Inverse variance of the flux; 0 where it is masked"/>
    <meta name="description" format="plain">{{ spectra.description }}</meta>
  </table>

  <data id="build_spectrum">
    <embeddedGrammar>
      <iterator>
        <setup imports="astropy.io.fits"><code/></setup>
        <code>
          wanted = self.sourceToken["ssa_dstitle"]
          with fits.open(rd.getAbsPath("{{ spectra.file }}"), memmap=True) as kept:
            names, waves = kept[2].data["specid"], kept[1].data["wavelength"]
            row = kept[2].data[[str(name) for name in names].index(wanted)]
            for values in zip(waves.tolist(), row["flux"].tolist(), row["ivar"].tolist()):
              yield dict(zip(("spectral", "flux", "ivar"), values))
        </code>
      </iterator>
    </embeddedGrammar>
    <make table="instance"><parmaker><apply procDef="//ssap#feedSSAToSDM"/></parmaker></make>
  </data>

  <service id="sdl" allowed="dlget,dlmeta">
    <meta name="title">{{ title }}: single spectra</meta>
    <datalinkCore>
      <descriptorGenerator procDef="//soda#sdm_genDesc"><bind key="ssaTD">"\rdId#ssa"</bind></descriptorGenerator>
      <dataFunction procDef="//soda#sdm_genData"><bind key="builder">"\rdId#build_spectrum"</bind></dataFunction>
      <FEED source="//soda#sdm_cutout"/>
      <FEED source="//soda#sdm_format"/>
    </datalinkCore>
  </service>

  <service id="ssap" allowed="ssap.xml">
    <meta name="title">{{ title }}: spectra</meta>
    <meta name="shortName">{{ schema[:11] }} SSAP</meta>
    <meta name="ssap.testQuery">MAXREC=1</meta>
    <meta name="ssap.complianceLevel">full</meta>
    <publish render="ssap.xml" sets="ivo_managed"/>
    <ssapCore queriedTable="ssa"><FEED source="//ssap#hcd_condDescs"/></ssapCore>
  </service>
{% endif %}
</resource>
