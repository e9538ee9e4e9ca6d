<resource schema="gaiadr2">
  <meta name="title">Six stars for a test of obcat</meta>
  <meta name="creationDate">2026-11-22T00:00:00Z</meta>
  <meta name="description">What obcat's tests know of six stars, under the names of the Gaia archive.</meta>
  <meta name="subject">stars</meta>
  <meta name="creator">obcat</meta>

  <table id="gaia_source" onDisk="True" adql="True" primary="source_id">
    <column name="source_id" type="bigint" required="True" description="Identifier"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main" description="Right ascension"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main" description="Declination"/>
    <column name="parallax" type="double precision" unit="mas" ucd="pos.parallax" description="Parallax"/>
    <column name="parallax_error" type="double precision" unit="mas" ucd="stat.error" description="Its error"/>
    <column name="phot_g_mean_mag" type="double precision" unit="mag" ucd="phot.mag;em.opt" description="G"/>
  </table>

  <table id="ruwe" onDisk="True" adql="True" primary="source_id">
    <column name="source_id" type="bigint" required="True" description="Identifier"/>
    <column name="ruwe" type="double precision" ucd="stat.fit.goodness" description="RUWE"/>
  </table>

  <data id="import_source">
    <sources pattern="gaia_source.csv"/>
    <csvGrammar/>
    <make table="gaia_source">
      <rowmaker idmaps="source_id, ra, dec, phot_g_mean_mag">
        <map key="parallax" nullExpr="''">@parallax</map>
        <map key="parallax_error" nullExpr="''">@parallax_error</map>
      </rowmaker>
    </make>
  </data>

  <data id="import_ruwe">
    <sources pattern="ruwe.csv"/>
    <csvGrammar/>
    <make table="ruwe"><rowmaker idmaps="*"/></make>
  </data>
</resource>
